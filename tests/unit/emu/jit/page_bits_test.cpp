#include "emu/jit/page_bits.h"

#include <gtest/gtest.h>

namespace quire::jit {
namespace {

TEST(PageBits, ARangeIsSetFromItsFirstToItsLastHalfwordAndNothingBeside) {
  for (const auto& [first, last] :
       {std::pair<usize, usize>{0, 0}, {63, 64}, {5, 200}, {64, 127}, {2047, 2047}}) {
    PageBits bits;
    bits.set_range(first, last);
    for (usize at = 0; at < PageBits::kCount; ++at) {
      EXPECT_EQ(bits.test(at), at >= first && at <= last) << at << " of " << first << "-" << last;
    }
  }
}

TEST(PageBits, ARangeIsFoundByAnyOneThatTouchesIt) {
  PageBits bits;
  bits.set_range(100, 130);
  EXPECT_TRUE(bits.any_in(130, 131));
  EXPECT_TRUE(bits.any_in(0, 100));
  EXPECT_TRUE(bits.any_in(110, 111));
  EXPECT_TRUE(bits.any_in(0, PageBits::kCount - 1));
  EXPECT_FALSE(bits.any_in(0, 99));
  EXPECT_FALSE(bits.any_in(131, PageBits::kCount - 1));
}

TEST(PageBits, NoneAreLeftBehindAReset) {
  PageBits bits;
  EXPECT_TRUE(bits.none());
  bits.set_range(2000, 2010);
  EXPECT_FALSE(bits.none());
  bits.reset();
  EXPECT_TRUE(bits.none());
}

TEST(PageBits, OnlyBitsThatBothHaveAreShared) {
  PageBits bits;
  bits.set_range(10, 20);
  std::bitset<PageBits::kCount> others;
  others.set(21);
  EXPECT_FALSE(bits.any_of(others));
  others.set(20);
  EXPECT_TRUE(bits.any_of(others));
}

}  // namespace
}  // namespace quire::jit
