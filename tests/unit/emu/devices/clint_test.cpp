#include "emu/devices/clint.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/devices/fakes.h"

namespace quire::testing {
namespace {

struct ClintTest : ::testing::Test {
  FakeClock clock;
  FakeIrq software[2], timer[2];
  Clint clint{clock, {{&software[0], &timer[0]}, {&software[1], &timer[1]}}};
};

TEST_F(ClintTest, MsipDrivesItsHartOnly) {
  clint.write(4, 4, 0xffff'ffff);
  EXPECT_FALSE(software[0].asserted);
  EXPECT_TRUE(software[1].asserted);
  EXPECT_EQ(clint.read(4, 4), 1u);  // only bit 0 is there
  EXPECT_EQ(clint.read(0, 4), 0u);
  clint.write(4, 4, 0);
  EXPECT_FALSE(software[1].asserted);
}

TEST_F(ClintTest, TimeCountsTenMegahertz) {
  clock.advance_to(1'000'000'099);
  EXPECT_EQ(clint.read(0xbff8, 8), 10'000'000u);
  EXPECT_EQ(clint.time(), 10'000'000u);
}

TEST_F(ClintTest, TimerRisesAtTheFirstNanosecondOfItsTick) {
  clint.write(0x4000, 8, 7);
  EXPECT_EQ(clock.next_deadline(), 700u);
  clock.advance_to(699);
  EXPECT_FALSE(timer[0].asserted);
  clock.advance_to(700);
  EXPECT_TRUE(timer[0].asserted);
  EXPECT_FALSE(timer[1].asserted);
}

TEST_F(ClintTest, TimerIsDueAtTheSameMomentHoweverLateItIsSet) {
  clock.advance_to(12'345);
  clint.write(0x4000, 8, 200);
  EXPECT_EQ(clock.next_deadline(), 20'000u);
}

TEST_F(ClintTest, TimerStaysUntilComparandMovesPastTime) {
  clock.advance_to(5000);
  clint.write(0x4000, 8, 50);
  EXPECT_TRUE(timer[0].asserted);
  clint.write(0x4000, 8, 51);
  EXPECT_FALSE(timer[0].asserted);
}

TEST_F(ClintTest, RewritingComparandLeavesOneEvent) {
  clint.write(0x4000, 8, 100);
  clint.write(0x4000, 8, 200);
  EXPECT_EQ(clock.event_count(), 1u);
  clock.advance_to(100 * 100);
  EXPECT_FALSE(timer[0].asserted);
}

TEST_F(ClintTest, HalvesOfComparandAreWrittenApart) {
  clint.write(0x4008, 4, 0x1234);
  EXPECT_EQ(clint.read(0x4008, 8), 0xffff'ffff'0000'1234u);
  clint.write(0x400c, 4, 0);
  EXPECT_EQ(clint.read(0x4008, 8), 0x1234u);
  EXPECT_EQ(clint.read(0x400c, 4), 0u);
}

TEST_F(ClintTest, SettingTimeMovesTheTimers) {
  clint.write(0x4000, 8, 1000);
  clint.write(0xbff8, 8, 990);
  EXPECT_EQ(clock.next_deadline(), 1000u);
  clint.write(0xbff8, 4, 1000);
  EXPECT_TRUE(timer[0].asserted);
}

TEST_F(ClintTest, FarComparandsDoNotWrapRound) {
  clint.write(0x4000, 8, ~u64{0} - 1);
  EXPECT_EQ(clock.event_count(), 0u);
  EXPECT_FALSE(timer[0].asserted);
}

TEST_F(ClintTest, AbsentHartsReadZero) {
  clint.write(0x4010, 8, 0);
  EXPECT_EQ(clint.read(0x4010, 8), 0u);
  EXPECT_EQ(clint.read(8, 4), 0u);
}

TEST_F(ClintTest, ResetDropsLinesAndEvents) {
  clint.write(0, 4, 1);
  clint.write(0x4008, 8, 500);
  clint.reset();
  EXPECT_FALSE(software[0].asserted);
  EXPECT_EQ(clock.event_count(), 0u);
}

}  // namespace
}  // namespace quire::testing
