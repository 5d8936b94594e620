// RefPtr, Bitmap, ByteReader, parsing, Prng, errno names.
#include <gtest/gtest.h>

#include <set>

#include "guest/lib/bitmap.h"
#include "guest/lib/byte_reader.h"
#include "guest/lib/parse.h"
#include "guest/lib/prng.h"
#include "guest/lib/ref_ptr.h"

namespace kernel {
namespace {

struct Node : RefCounted<Node> {
  explicit Node(bool* gone) : gone_(gone) {}
  virtual ~Node() { *gone_ = true; }
  bool* gone_;
};
struct Heir : Node {
  using Node::Node;
};

TEST(RefPtr, LastReferenceDeletes) {
  bool gone = false;
  {
    auto made = try_make_ref<Heir>(&gone);
    ASSERT_TRUE(made.ok());
    RefPtr<Node> base = made.value();
    EXPECT_EQ(base->references(), 2U);
    RefPtr<Heir> back = static_ref_cast<Heir>(base);
    EXPECT_EQ(back->references(), 3U);
    base.reset();
    EXPECT_EQ(back->references(), 2U);
    EXPECT_FALSE(gone);
  }
  EXPECT_TRUE(gone);
}

TEST(RefPtr, SelfAssignmentKeepsTheObject) {
  bool gone = false;
  auto made = try_make_ref<Node>(&gone);
  RefPtr<Node> pointer = std::move(made).value();
  RefPtr<Node>& alias = pointer;
  pointer = alias;
  EXPECT_FALSE(gone);
  EXPECT_EQ(pointer->references(), 1U);
}

TEST(Bitmap, FindsAcrossWords) {
  Bitmap<130> map;
  for (usize i = 0; i < 130; i++) {
    EXPECT_EQ(map.find_clear(), i);
    map.set(i);
  }
  EXPECT_FALSE(map.find_clear());
  map.clear(100);
  EXPECT_EQ(map.find_clear(5), 100U);
  EXPECT_FALSE(map.find_clear(101));
  EXPECT_EQ(map.find_set(100), 101U);
}

TEST(ByteReader, NeverReadsBeyondTheEnd) {
  const u8 bytes[] = {0, 1, 2, 3, 'a', 'b', 0, 'c'};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.read_be32().value_or(0), 0x00010203U);
  EXPECT_EQ(reader.read_c_string().value_or(""), "ab");
  EXPECT_FALSE(reader.read_c_string().ok()) << "no NUL";
  EXPECT_FALSE(reader.read<u16>().ok());
  EXPECT_EQ(reader.remaining(), 1U);
  EXPECT_TRUE(reader.align(4).ok());
  EXPECT_TRUE(reader.at_end());
  EXPECT_FALSE(reader.seek(9).ok());
}

TEST(Parse, NumbersAreChecked) {
  EXPECT_EQ(parse_number("18446744073709551615"), ~u64{0});
  EXPECT_FALSE(parse_number("18446744073709551616"));
  EXPECT_FALSE(parse_number(""));
  EXPECT_FALSE(parse_number("12a"));
  EXPECT_EQ(parse_number("dEad", 16), 0xdeadU);
  EXPECT_FALSE(parse_number("8", 8));
}

TEST(Parse, OptionsAreWholeWords) {
  constexpr StringView kLine = "xquire.seed=1 quire.seed=2 quire.aslr=off bare  quire.seed=3";
  EXPECT_EQ(find_option(kLine, "quire.seed"), StringView("3"));
  EXPECT_EQ(find_option(kLine, "quire.aslr"), StringView("off"));
  EXPECT_EQ(find_option(kLine, "bare"), StringView(""));
  EXPECT_FALSE(find_option(kLine, "quire.see"));
  EXPECT_FALSE(find_option("", "quire.seed"));
}

TEST(Prng, RepeatsBySeedAndStaysInBounds) {
  Prng a(5);
  Prng b(5);
  Prng c(6);
  EXPECT_EQ(a.next(), b.next());
  EXPECT_NE(a.next(), c.next());
  std::set<u64> seen;
  for (int i = 0; i < 1000; i++) {
    const u64 value = a.below(7);
    EXPECT_LT(value, 7U);
    seen.insert(value);
  }
  EXPECT_EQ(seen.size(), 7U);
  u8 bytes[13] = {};
  a.fill(bytes);
  EXPECT_NE(bytes[12] | bytes[11] | bytes[10] | bytes[9], 0);
}

TEST(Errno, NamesAndNumbers) {
  EXPECT_EQ(errno_name(Errno::kENOENT), "ENOENT");
  EXPECT_EQ(static_cast<int>(Errno::kENOSYS), 38);
  EXPECT_EQ(errno_name(static_cast<Errno>(9999)), "E?");
}

}  // namespace
}  // namespace kernel
