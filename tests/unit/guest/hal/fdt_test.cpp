#include "guest/hal/fdt.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace kernel {
namespace {

/// Writes trees as the specification's chapter 5 lays them out.
class Builder {
 public:
  void begin(const std::string& name) {
    be32(structs_, 1);
    text(structs_, name);
  }
  void end() { be32(structs_, 2); }
  void nop() { be32(structs_, 4); }
  void property(const std::string& name, const std::string& value) {
    be32(structs_, 3);
    be32(structs_, static_cast<u32>(value.size()));
    be32(structs_, static_cast<u32>(strings_.size()));
    strings_ += name + '\0';
    structs_ += value;
    pad(structs_);
  }
  void cells(const std::string& name, std::initializer_list<u32> values) {
    std::string bytes;
    for (const u32 value : values) {
      be32(bytes, value);
    }
    property(name, bytes);
  }
  std::vector<u8> finish() {
    std::string structs = structs_;
    be32(structs, 9);
    std::string reservations;
    for (const u32 word : {0U, 0x8100'0000U, 0U, 0x2000U, 0U, 0U, 0U, 0U}) {
      be32(reservations, word);
    }
    const u32 header = 40;
    const u32 structs_at = header + static_cast<u32>(reservations.size());
    const u32 strings_at = structs_at + static_cast<u32>(structs.size());
    std::string blob;
    for (const u32 word :
         {0xd00dfeedU, strings_at + static_cast<u32>(strings_.size()), structs_at, strings_at, header, 17U,
          16U, 0U, static_cast<u32>(strings_.size()), static_cast<u32>(structs.size())}) {
      be32(blob, word);
    }
    blob += reservations + structs + strings_;
    return {blob.begin(), blob.end()};
  }

 private:
  static void be32(std::string& out, u32 value) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      out += static_cast<char>(value >> shift);
    }
  }
  static void pad(std::string& out) { out.resize((out.size() + 3) / 4 * 4); }
  static void text(std::string& out, const std::string& value) {
    out += value + '\0';
    pad(out);
  }
  std::string structs_;
  std::string strings_;
};

std::vector<u8> board() {
  Builder b;
  b.begin("");
  b.cells("#address-cells", {2});
  b.cells("#size-cells", {2});
  b.begin("chosen");
  b.property("bootargs", std::string("a=b c\0", 6));
  b.cells("linux,initrd-start", {0x1, 0x8400'0000});
  b.end();
  b.nop();
  b.begin("memory@80000000");
  b.property("device_type", std::string("memory\0", 7));
  b.cells("reg", {0, 0x8000'0000, 0, 0x1000'0000, 1, 0, 0, 0x4000});
  b.end();
  b.begin("soc");
  b.cells("#address-cells", {1});
  b.cells("#size-cells", {1});
  for (const u32 at : {0x3000U, 0x2000U, 0x1000U}) {
    b.begin("dev@" + std::to_string(at));
    b.property("compatible", std::string("ours,new\0ours,old\0", 18));
    b.cells("reg", {at, 0x100});
    if (at == 0x2000) {
      b.property("status", std::string("disabled\0", 9));
    }
    b.end();
  }
  b.end();
  b.end();
  return b.finish();
}

TEST(Fdt, ReadsABoard) {
  const auto blob = board();
  auto parsed = Fdt::parse(blob);
  ASSERT_TRUE(parsed.ok());
  const Fdt& tree = parsed.value();
  const auto chosen = tree.find("/chosen");
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->text("bootargs"), StringView("a=b c"));
  EXPECT_EQ(chosen->number("linux,initrd-start"), 0x1'8400'0000U);
  EXPECT_FALSE(chosen->number("bootargs"));
  EXPECT_FALSE(chosen->reg());
  const auto memory = tree.find("/memory");
  ASSERT_TRUE(memory) << "the unit address may be left out";
  EXPECT_EQ(memory->reg(1)->start, 0x1'0000'0000U);
  EXPECT_EQ(memory->reg(1)->size_bytes, 0x4000U);
  EXPECT_FALSE(memory->reg(2));
  EXPECT_FALSE(tree.find("/memory@90000000"));
  EXPECT_FALSE(tree.find("/soc/nothing"));
  EXPECT_EQ(tree.reservation(0)->start, 0x8100'0000U);
  EXPECT_FALSE(tree.reservation(1));
}

TEST(Fdt, FindsCompatibleNodesInOrder) {
  const auto blob = board();
  const Fdt tree = Fdt::parse(blob).value();
  std::vector<u64> found;
  std::vector<bool> enabled;
  for (auto node = tree.find_compatible("ours,old"); node; node = tree.find_compatible("ours,old", node)) {
    found.push_back(node->reg()->start);
    enabled.push_back(node->enabled());
  }
  EXPECT_EQ(found, (std::vector<u64>{0x3000, 0x2000, 0x1000}));
  EXPECT_EQ(enabled, (std::vector<bool>{true, false, true}));
  EXPECT_FALSE(tree.find_compatible("ours"));
}

TEST(Fdt, RefusesEveryTruncation) {
  const auto blob = board();
  for (usize size = 0; size < blob.size(); size++) {
    const std::vector<u8> part(blob.begin(), blob.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(Fdt::parse(part).ok()) << size;
  }
}

TEST(Fdt, RefusesUnbalancedTrees) {
  Builder open;
  open.begin("");
  open.begin("a");
  open.end();
  EXPECT_FALSE(Fdt::parse(open.finish()).ok());
  Builder closed;
  closed.begin("");
  closed.end();
  closed.end();
  EXPECT_FALSE(Fdt::parse(closed.finish()).ok());
  Builder late;
  late.begin("");
  late.begin("a");
  late.end();
  late.cells("x", {1});
  late.end();
  EXPECT_FALSE(Fdt::parse(late.finish()).ok());
  Builder deep;
  for (int i = 0; i < 100; i++) {
    deep.begin("n");
  }
  for (int i = 0; i < 100; i++) {
    deep.end();
  }
  EXPECT_FALSE(Fdt::parse(deep.finish()).ok());
  EXPECT_FALSE(Fdt::parse(Builder().finish()).ok());
}

TEST(Fdt, SurvivesDamage) {
  std::mt19937 random(4);
  const auto good = board();
  for (int round = 0; round < 20000; round++) {
    auto blob = good;
    for (unsigned i = 0; i < 1 + random() % 4; i++) {
      blob[random() % blob.size()] = static_cast<u8>(random());
    }
    auto parsed = Fdt::parse(blob);
    if (!parsed.ok()) {
      continue;
    }
    const Fdt& tree = parsed.value();
    for (auto node = tree.find_compatible("ours,old"); node; node = tree.find_compatible("ours,old", node)) {
      (void)node->reg();
    }
    if (const auto chosen = tree.find("/chosen")) {
      (void)chosen->text("bootargs");
    }
    for (usize i = 0; i < 4; i++) {
      (void)tree.reservation(i);
    }
  }
}

}  // namespace
}  // namespace kernel
