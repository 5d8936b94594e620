#include "emu/devices/dma_engine.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/devices/fakes.h"

namespace quire::testing {
namespace {

using namespace arch;  // NOLINT(google-build-using-namespace): the registers

constexpr u64 kFrom = FakeRam::kBase + 0x1003, kTo = FakeRam::kBase + 0x8001;

struct DmaEngineTest : ::testing::Test {
  FakeRam ram;
  FakeIrq irq;
  FakeClock clock;
  DmaEngine engine{clock, ram, irq};

  void set(u64 reg, u64 value) { engine.write(reg, 8, value); }
  u64 get(u64 reg) { return engine.read(reg, 8); }
  void start(u64 source, u64 destination, u64 length, u64 control = kDmaStart | kDmaInterruptEnable) {
    set(kDmaRegSource, source);
    set(kDmaRegDestination, destination);
    set(kDmaRegLength, length);
    set(kDmaRegControl, control);
  }
  static u64 time_of(u64 length) { return kDmaSetupNs + length * kDmaNsPerByte; }
};

TEST_F(DmaEngineTest, CopiesWhenItsTimeHasComeAndInterrupts) {
  ram.put_text(kFrom, "hello");
  start(kFrom, kTo, 5);
  EXPECT_EQ(get(kDmaRegStatus), kDmaBusy);
  clock.advance_to(time_of(5) - 1);
  EXPECT_EQ(get(kDmaRegStatus), kDmaBusy);
  EXPECT_EQ(ram.text(kTo, 5), std::string(5, '\0'));
  EXPECT_FALSE(irq.asserted);
  clock.advance_to(time_of(5));
  EXPECT_EQ(get(kDmaRegStatus), kDmaDone);
  EXPECT_EQ(get(kDmaRegCopied), 5u);
  EXPECT_EQ(ram.text(kTo, 6), std::string("hello\0", 6));
  EXPECT_TRUE(irq.asserted);
  set(kDmaRegStatus, kDmaDone);
  EXPECT_FALSE(irq.asserted);
  EXPECT_EQ(get(kDmaRegStatus), 0u);
}

TEST_F(DmaEngineTest, LongTransfersAdvanceByBursts) {
  const u64 length = 3 * kDmaBurstBytes + 100;
  for (u64 at = 0; at < length; at += 4) {
    ram.put<u32>(kFrom + at, static_cast<u32>(at * 2654435761));
  }
  const u64 to = FakeRam::kBase + 0x10000;
  start(kFrom, to, length);
  clock.advance_to(time_of(kDmaBurstBytes));
  EXPECT_EQ(get(kDmaRegCopied), kDmaBurstBytes);
  EXPECT_EQ(get(kDmaRegStatus), kDmaBusy);
  EXPECT_EQ(ram.get<u32>(to + kDmaBurstBytes), 0u);
  clock.advance_to(time_of(length) - 1);
  EXPECT_EQ(get(kDmaRegStatus), kDmaBusy);
  clock.advance_to(time_of(length));
  EXPECT_EQ(get(kDmaRegStatus), kDmaDone);
  EXPECT_EQ(ram.text(to, length), ram.text(kFrom, length));
  EXPECT_EQ(clock.event_count(), 0u);
}

TEST_F(DmaEngineTest, NothingToCopyIsDoneAfterTheSetup) {
  start(0, 0, 0);
  clock.advance_to(kDmaSetupNs);
  EXPECT_EQ(get(kDmaRegStatus), kDmaDone);
}

TEST_F(DmaEngineTest, AddressesOutsideOfRamEndTheTransferThere) {
  const u64 ram_end = FakeRam::kBase + (1 << 20);
  start(ram_end - kDmaBurstBytes, kTo, 2 * kDmaBurstBytes);
  clock.advance_to(1'000'000);
  EXPECT_EQ(get(kDmaRegStatus), kDmaError);
  EXPECT_EQ(get(kDmaRegCopied), kDmaBurstBytes);
  EXPECT_EQ(get(kDmaRegFault), ram_end);
  EXPECT_TRUE(irq.asserted);

  start(kFrom, 0x1000'0000, 1);  // a device is not RAM
  clock.advance_to(2'000'000);
  EXPECT_EQ(get(kDmaRegStatus), kDmaError | kDmaErrorAtDestination);
  EXPECT_EQ(get(kDmaRegFault), 0x1000'0000u);
  EXPECT_EQ(get(kDmaRegCopied), 0u);
  set(kDmaRegStatus, kDmaErrorAtDestination);
  EXPECT_EQ(get(kDmaRegStatus), kDmaError | kDmaErrorAtDestination);
  set(kDmaRegStatus, kDmaError);
  EXPECT_EQ(get(kDmaRegStatus), 0u);
  EXPECT_FALSE(irq.asserted);

  start(~u64{0} - 10, kTo, 100);
  clock.advance_to(3'000'000);
  EXPECT_EQ(get(kDmaRegStatus), kDmaError);
}

TEST_F(DmaEngineTest, RegistersAreFixedAndStartIsIgnoredWhileBusy) {
  ram.put_text(kFrom, "abc");
  start(kFrom, kTo, 3);
  start(kTo, kFrom, 1000);
  EXPECT_EQ(get(kDmaRegSource), kFrom);
  EXPECT_EQ(get(kDmaRegLength), 3u);
  clock.advance_to(time_of(3));
  EXPECT_EQ(ram.text(kTo, 3), "abc");
  EXPECT_EQ(clock.event_count(), 0u);
}

TEST_F(DmaEngineTest, AbortEndsItWhereItIs) {
  start(kFrom, kTo, 2 * kDmaBurstBytes);
  clock.advance_to(time_of(kDmaBurstBytes));
  set(kDmaRegControl, kDmaAbort | kDmaInterruptEnable);
  EXPECT_EQ(get(kDmaRegStatus), 0u);
  EXPECT_EQ(get(kDmaRegCopied), kDmaBurstBytes);
  EXPECT_EQ(clock.event_count(), 0u);
  EXPECT_FALSE(irq.asserted);
  set(kDmaRegControl, kDmaAbort);
  EXPECT_EQ(get(kDmaRegStatus), 0u);
}

TEST_F(DmaEngineTest, LineFollowsTheEnableBit) {
  start(kFrom, kTo, 1, kDmaStart);
  clock.advance_to(time_of(1));
  EXPECT_FALSE(irq.asserted);
  set(kDmaRegControl, kDmaInterruptEnable);
  EXPECT_TRUE(irq.asserted);
  set(kDmaRegControl, 0);
  EXPECT_FALSE(irq.asserted);
}

TEST_F(DmaEngineTest, HalvesOfRegistersAreAccessible) {
  engine.write(kDmaRegSource, 4, 0x8765'4321);
  engine.write(kDmaRegSource + 4, 4, 0x1234);
  EXPECT_EQ(get(kDmaRegSource), 0x1234'8765'4321u);
  EXPECT_EQ(engine.read(kDmaRegSource + 4, 4), 0x1234u);
  engine.write(kDmaRegControl, 4, kDmaInterruptEnable);
  engine.write(kDmaRegControl + 4, 4, 0);  // is not a write of the lower half
  EXPECT_EQ(get(kDmaRegControl), kDmaInterruptEnable);
  EXPECT_EQ(engine.read(kDmaRegId, 1), 0u);
  engine.write(kDmaRegSource, 1, 0xff);
  EXPECT_EQ(get(kDmaRegSource), 0x1234'8765'4321u);
  EXPECT_EQ(get(kDmaRegId), kDmaMagic);
}

TEST_F(DmaEngineTest, ResetForgetsATransfer) {
  start(kFrom, kTo, 1);
  engine.reset();
  EXPECT_EQ(clock.event_count(), 0u);
  EXPECT_EQ(get(kDmaRegStatus), 0u);
  EXPECT_EQ(get(kDmaRegSource), 0u);
  EXPECT_FALSE(irq.asserted);
}

}  // namespace
}  // namespace quire::testing
