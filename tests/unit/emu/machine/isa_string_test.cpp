#include "emu/machine/isa_string.h"

#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire {
namespace {

using enum Extension;

std::string complaint(std::string_view text) {
  try {
    parse_isa(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "(none)";
}

TEST(IsaString, NothingSaidMeansEverythingByDefault) { EXPECT_EQ(parse_isa(""), kDefaultExtensions); }

TEST(IsaString, EverySetReadsBackAsItself) {
  for (unsigned e = 0; e < kExtensionCount; ++e) {
    const ExtensionSet set = completed({static_cast<Extension>(e)});
    EXPECT_EQ(parse_isa(isa_string(set)), set) << isa_string(set);
  }
  EXPECT_EQ(parse_isa(isa_string(kDefaultExtensions)), kDefaultExtensions);
}

TEST(IsaString, LeavesOutWhatIsNotNamed) {
  const ExtensionSet set = parse_isa("rv64ima");
  EXPECT_TRUE(set.has_all({I, M, A}));
  EXPECT_FALSE(set.has_any({F, D, C}));
}

TEST(IsaString, BringsWhatExtensionsBuildUpon) {
  EXPECT_TRUE(parse_isa("rv64id").has(F));
  EXPECT_TRUE(parse_isa("rv64i").has_all({Zicsr, Zifencei}));
}

TEST(IsaString, TakesShorthandsUpperCaseAndAnyOrder) {
  EXPECT_EQ(parse_isa("RV64GC"), parse_isa("rv64icdfam"));
  EXPECT_EQ(parse_isa("rv64gc_zicsr_zifencei"), parse_isa("rv64gczifencei_zicsr"));
}

TEST(IsaString, IsCanonical) {
  EXPECT_EQ(isa_string(parse_isa("rv64icdfam")).substr(0, 10), "rv64imafdc");
  const std::vector<std::string> names = isa_names(ExtensionSet::all());
  ASSERT_EQ(names.size(), kExtensionCount);
  // Letters, then z* by the rank of their second letter, then s*; within each by alphabet (27.11).
  constexpr std::string_view kRank = "imafdqlcbkjtpvhn";
  const auto key = [&](const std::string& name) {
    const bool single = name.size() == 1;
    const std::string head = single ? "0" : name[0] == 'z' ? "1" : "2";
    const char rank = single           ? static_cast<char>('A' + kRank.find(name[0]))
                      : name[0] == 'z' ? static_cast<char>('A' + kRank.find(name[1]))
                                       : 'A';
    return head + rank + name;
  };
  for (unsigned e = 1; e < kExtensionCount; ++e) EXPECT_LT(key(names[e - 1]), key(names[e])) << names[e];
}

TEST(IsaString, RefusesInOneLine) {
  EXPECT_NE(complaint("rv32gc").find("rv64"), std::string::npos);
  EXPECT_NE(complaint("rv64").find("i or g"), std::string::npos);
  EXPECT_NE(complaint("rv64e").find("i or g"), std::string::npos);
  EXPECT_NE(complaint("rv64mi").find("i or g"), std::string::npos);
  EXPECT_NE(complaint("rv64gq").find("'q'"), std::string::npos);
  EXPECT_NE(complaint("rv64gc_zxyz").find("'zxyz'"), std::string::npos);
  EXPECT_NE(complaint("rv64gc__zicsr").find("''"), std::string::npos);
  EXPECT_NE(complaint("rv64gc_").find("''"), std::string::npos);
  EXPECT_NE(complaint("rv64gcc").find("twice"), std::string::npos);
  for (const char* text : {"rv32gc", "rv64gc_zxyz", "rv64gcc", "x"}) {
    EXPECT_EQ(complaint(text).find('\n'), std::string::npos);
    EXPECT_NE(complaint(text).find(text), std::string::npos);
  }
}

}  // namespace
}  // namespace quire
