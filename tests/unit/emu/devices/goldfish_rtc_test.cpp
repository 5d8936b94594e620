#include "emu/devices/goldfish_rtc.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/devices/fakes.h"

namespace quire::testing {
namespace {

constexpr u64 kEpoch = 1'767'225'600'000'000'000;

struct RtcTest : ::testing::Test {
  FakeClock clock;
  FakeIrq irq;
  GoldfishRtc rtc{clock, irq, kEpoch};

  u32 read(u64 offset) { return static_cast<u32>(rtc.read(offset, 4)); }
  void write(u64 offset, u32 value) { rtc.write(offset, 4, value); }
  u64 time() {
    const u64 low = read(0x00);
    return low | u64{read(0x04)} << 32;
  }
  void set_alarm(u64 when_ns) {
    write(0x0c, static_cast<u32>(when_ns >> 32));
    write(0x08, static_cast<u32>(when_ns));
  }
};

TEST_F(RtcTest, ShowsEpochPlusVirtualTime) {
  clock.advance_to(123'456'789);
  EXPECT_EQ(time(), kEpoch + 123'456'789);
}

TEST_F(RtcTest, UpperHalfIsLatchedByTheLower) {
  write(0x04, 1);
  write(0x00, 0xffff'ffff);
  EXPECT_EQ(read(0x00), 0xffff'ffffu);
  clock.advance_to(10);
  EXPECT_EQ(read(0x04), 1u);
  EXPECT_EQ(time(), 0x2'0000'0009u);
}

TEST_F(RtcTest, AlarmInterruptsAtItsTime) {
  write(0x10, 1);
  set_alarm(kEpoch + 1000);
  EXPECT_EQ(read(0x18), 1u);
  clock.advance_to(999);
  EXPECT_FALSE(irq.asserted);
  clock.advance_to(1000);
  EXPECT_TRUE(irq.asserted);
  EXPECT_EQ(read(0x18), 0u);
  write(0x1c, 1);
  EXPECT_FALSE(irq.asserted);
}

TEST_F(RtcTest, AlarmInThePastFiresAtOnce) {
  write(0x10, 1);
  set_alarm(kEpoch - 1);
  EXPECT_TRUE(irq.asserted);
}

TEST_F(RtcTest, DisabledInterruptIsKeptForLater) {
  set_alarm(kEpoch + 5);
  clock.advance_to(5);
  EXPECT_FALSE(irq.asserted);
  write(0x10, 1);
  EXPECT_TRUE(irq.asserted);
}

TEST_F(RtcTest, ClearedAlarmNeverFires) {
  write(0x10, 1);
  set_alarm(kEpoch + 5);
  write(0x14, 1);
  EXPECT_EQ(clock.event_count(), 0u);
  EXPECT_EQ(read(0x18), 0u);
}

TEST_F(RtcTest, SettingTheTimeMovesTheAlarm) {
  write(0x10, 1);
  set_alarm(kEpoch + 1'000'000);
  const u64 set_to = kEpoch + 999'000;
  write(0x00, static_cast<u32>(set_to));
  EXPECT_EQ(clock.event_count(), 1u);
  clock.advance_to(999);
  EXPECT_FALSE(irq.asserted);
  clock.advance_to(1000);
  EXPECT_TRUE(irq.asserted);
}

}  // namespace
}  // namespace quire::testing
