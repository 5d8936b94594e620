#include "emu/machine/ram_layout.h"

#include <gtest/gtest.h>

namespace quire {
namespace {

constexpr u64 kBase = 0x8000'0000;

TEST(RamLayout, PlacesAtTheTopAndAligned) {
  RamLayout layout(kBase, 0x10000);
  EXPECT_EQ(layout.place_top(0x1001, 0x1000), kBase + 0xe000);
  EXPECT_EQ(layout.place_top(0x1000, 0x4000), kBase + 0xc000);
}

TEST(RamLayout, GoesBelowWhatIsInTheWay) {
  RamLayout layout(kBase, 0x10000);
  ASSERT_TRUE(layout.reserve(kBase + 0x8000, 0x8000));
  ASSERT_TRUE(layout.reserve(kBase + 0x4000, 0x1000));
  EXPECT_EQ(layout.place_top(0x3000, 0x1000), kBase + 0x5000);
  EXPECT_EQ(layout.place_top(0x3000, 0x1000), kBase + 0x1000);
  EXPECT_EQ(layout.place_top(0x3000, 0x1000), std::nullopt);
  EXPECT_EQ(layout.place_top(0x1000, 0x1000), kBase);
}

TEST(RamLayout, RefusesWhatIsOutside) {
  RamLayout layout(kBase, 0x10000);
  EXPECT_FALSE(layout.reserve(kBase - 1, 2));
  EXPECT_FALSE(layout.reserve(kBase + 0xffff, 2));
  EXPECT_FALSE(layout.reserve(kBase, ~u64{0}));
  EXPECT_EQ(layout.place_top(0x10001, 1), std::nullopt);
  EXPECT_EQ(layout.place_top(~u64{0}, 1), std::nullopt);
  EXPECT_TRUE(layout.reserve(kBase, 0x10000));
  EXPECT_EQ(layout.place_top(1, 1), std::nullopt);
}

}  // namespace
}  // namespace quire
