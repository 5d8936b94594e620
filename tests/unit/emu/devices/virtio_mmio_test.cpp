#include "emu/devices/virtio_mmio.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/devices/virtio_driver.h"

namespace quire::testing {
namespace {

/// Two queues; answers every chain with the number of bytes it could write.
class EchoDevice final : public VirtioDevice {
 public:
  std::string_view name() const override { return "echo"; }
  vio::DeviceId id() const override { return vio::DeviceId::kBlock; }
  u64 features() const override { return u64{1} << 5; }
  u32 queue_count() const override { return 2; }
  std::span<const u8> config() const override { return kConfig; }
  void power_on() override {}
  void driver_reset() override {}
  void transfer(StateArchive& /*archive*/) override {}
  void notified(u32 queue) override {
    ++notifications;
    transport().serve(queue, [this](const Chain& chain) -> arch::Result<std::optional<u32>, QueueError> {
      chains.push_back(chain);
      return std::optional<u32>(BufferCursor(transport().dma(), chain.writable).remaining());
    });
  }

  static constexpr u8 kConfig[5] = {1, 2, 3, 4, 5};
  int notifications = 0;
  std::vector<Chain> chains;
};

struct VirtioMmioTest : ::testing::Test {
  FakeRam ram;
  FakeIrq irq;
  FakeClock clock;
  EchoDevice* echo = new EchoDevice;
  VirtioMmio device{std::unique_ptr<VirtioDevice>(echo), ram, irq, clock};
  VirtioDriver driver{device, ram};

  void start(u64 features = vio::kFeatureVersion1, u32 size = 8) {
    ASSERT_TRUE(driver.negotiate(features));
    driver.set_up(0, size);
    driver.go();
  }
  u64 buffer = driver.allocate(4096);
};

TEST_F(VirtioMmioTest, IdentifiesItself) {
  EXPECT_EQ(driver.reg(0x000), 0x74726976u);
  EXPECT_EQ(driver.reg(0x004), 2u);
  EXPECT_EQ(driver.reg(0x008), 2u);
  EXPECT_EQ(driver.offered(), (u64{1} << 32) | (u64{1} << 28) | (u64{1} << 29) | (u64{1} << 5));
}

TEST_F(VirtioMmioTest, RegistersNeedWordAccess) {
  EXPECT_EQ(device.read(0, 1), 0u);
  EXPECT_EQ(device.read(0, 8), 0u);
  device.write(0x70, 1, 1);
  EXPECT_EQ(driver.reg(0x70), 0u);
}

TEST_F(VirtioMmioTest, ConfigurationIsReadableInAnyWidth) {
  EXPECT_EQ(device.read(0x101, 1), 2u);
  EXPECT_EQ(device.read(0x102, 2), 0x0403u);
  EXPECT_EQ(device.read(0x104, 4), 5u);
  EXPECT_EQ(device.read(0x100, 8), 0x0504030201u);
  EXPECT_EQ(device.read(0xff8, 8), 0u);
}

TEST_F(VirtioMmioTest, FeaturesOkNeedsVersion1) {
  EXPECT_FALSE(driver.negotiate(0));
  EXPECT_TRUE(driver.negotiate(vio::kFeatureVersion1));
}

TEST_F(VirtioMmioTest, FeaturesOkRefusesWhatWasNotOffered) {
  EXPECT_FALSE(driver.negotiate(vio::kFeatureVersion1 | 1));
  EXPECT_FALSE(driver.negotiate(vio::kFeatureVersion1 | vio::kFeatureRingPacked));
}

TEST_F(VirtioMmioTest, FeaturesAreFixedOnceAccepted) {
  ASSERT_TRUE(driver.negotiate(vio::kFeatureVersion1));
  driver.set_reg(vio::kRegDriverFeaturesSel, 0);
  driver.set_reg(vio::kRegDriverFeatures, 1U << 5);
  EXPECT_FALSE(device.has_feature(1U << 5));
}

TEST_F(VirtioMmioTest, QueueNumMaxIsZeroForAbsentQueues) {
  driver.set_reg(vio::kRegQueueSel, 1);
  EXPECT_EQ(driver.reg(vio::kRegQueueNumMax), Virtqueue::kMaxSize);
  driver.set_reg(vio::kRegQueueSel, 2);
  EXPECT_EQ(driver.reg(vio::kRegQueueNumMax), 0u);
  driver.set_reg(vio::kRegQueueReady, 1);
  EXPECT_EQ(driver.reg(vio::kRegQueueReady), 0u);
}

TEST_F(VirtioMmioTest, AnswersARequestWithinTheNotification) {
  start();
  const u16 head = driver.submit(0, {{buffer, 10, 0, 0}, {buffer + 64, 20, vio::kDescWrite, 0}});
  driver.notify(0);
  ASSERT_EQ(echo->chains.size(), 1u);
  EXPECT_EQ(echo->chains[0].readable.at(0).len_bytes, 10u);
  EXPECT_EQ(echo->chains[0].writable.at(0).address, buffer + 64);
  EXPECT_EQ(driver.used_idx(0), 1u);
  EXPECT_EQ(driver.used(0, 0).id, head);
  EXPECT_EQ(driver.used(0, 0).len, 20u);
  EXPECT_TRUE(irq.asserted);
  EXPECT_EQ(driver.reg(vio::kRegInterruptStatus), 1u);
  driver.set_reg(vio::kRegInterruptAck, 1);
  EXPECT_FALSE(irq.asserted);
}

TEST_F(VirtioMmioTest, IndexesWrapAroundTheRing) {
  start(vio::kFeatureVersion1, 4);
  for (int i = 0; i < 70'000; ++i) {
    clock.advance_to(u64{1000} * static_cast<unsigned>(i));
    const u16 head = driver.submit(0, {{buffer, 1, vio::kDescWrite, 0}});
    const u16 at = driver.used_idx(0);
    ram.put(driver.queues[0].used + 4 + at % 4 * sizeof(vio::UsedElem), vio::UsedElem{99, 99});
    driver.notify(0);
    ASSERT_EQ(driver.used(0, at).id, head) << i;
  }
  EXPECT_FALSE(driver.broken());
  EXPECT_EQ(driver.used_idx(0), static_cast<u16>(70'000));
}

TEST_F(VirtioMmioTest, NothingIsTakenBeforeDriverOk) {
  ASSERT_TRUE(driver.negotiate(vio::kFeatureVersion1));
  driver.set_up(0, 8);
  driver.submit(0, {{buffer, 1, 0, 0}});
  driver.notify(0);
  EXPECT_EQ(echo->notifications, 0);
  driver.go();
  driver.notify(0);
  EXPECT_EQ(driver.used_idx(0), 1u);
}

TEST_F(VirtioMmioTest, NoInterruptFlagIsHonoured) {
  start();
  ram.put<u16>(driver.queues[0].avail, vio::kAvailNoInterrupt);
  driver.submit(0, {{buffer, 1, 0, 0}});
  driver.notify(0);
  EXPECT_EQ(driver.used_idx(0), 1u);
  EXPECT_FALSE(irq.asserted);
}

TEST_F(VirtioMmioTest, EventIndexDecidesAboutInterrupts) {
  start(vio::kFeatureVersion1 | vio::kFeatureEventIdx);
  const u64 used_event = driver.queues[0].avail + 4 + 2 * 8;
  ram.put<u16>(used_event, 1);
  driver.submit(0, {{buffer, 1, 0, 0}});
  driver.notify(0);
  EXPECT_FALSE(irq.asserted);
  driver.submit(0, {{buffer, 1, 0, 0}});
  driver.notify(0);
  EXPECT_TRUE(irq.asserted);
  EXPECT_EQ(ram.get<u16>(driver.queues[0].used + 4 + 8 * 8), 2u);  // avail_event
}

TEST_F(VirtioMmioTest, IndirectChainsAreFollowed) {
  start(vio::kFeatureVersion1 | vio::kFeatureIndirectDesc, 2);
  const u64 table = driver.allocate(4096);
  for (u16 i = 0; i < 5; ++i) {  // longer than the ring, as Linux makes them
    ram.put(table + i * 16u,
            vio::Desc{buffer + i, 1, static_cast<u16>(i < 4 ? vio::kDescNext : 0), static_cast<u16>(i + 1)});
  }
  driver.submit(0, {{table, 5 * 16, vio::kDescIndirect, 0}});
  driver.notify(0);
  ASSERT_EQ(echo->chains.size(), 1u);
  EXPECT_EQ(echo->chains[0].readable.size(), 5u);
  EXPECT_FALSE(driver.broken());
}

TEST_F(VirtioMmioTest, ChainAsLongAsTheRingIsWhole) {
  start(vio::kFeatureVersion1, 4);
  driver.submit(0, std::vector<vio::Desc>(4, vio::Desc{buffer, 1, 0, 0}));
  driver.notify(0);
  ASSERT_EQ(echo->chains.size(), 1u);
  EXPECT_EQ(echo->chains[0].readable.size(), 4u);
}

TEST_F(VirtioMmioTest, StatusZeroResets) {
  start();
  driver.submit(0, {{buffer, 1, 0, 0}});
  driver.notify(0);
  driver.set_reg(vio::kRegStatus, 0);
  EXPECT_FALSE(irq.asserted);
  EXPECT_EQ(driver.reg(vio::kRegStatus), 0u);
  EXPECT_EQ(driver.reg(vio::kRegInterruptStatus), 0u);
  EXPECT_EQ(driver.reg(vio::kRegQueueReady), 0u);
  start();
  driver.submit(0, {{buffer, 1, 0, 0}});
  driver.notify(0);
  EXPECT_EQ(driver.used_idx(0), 1u);  // counts from 0 again
}

// --- drivers that break the rules -----------------------------------------------------------------

struct BrokenDriver : VirtioMmioTest {
  void expect_broken(QueueError error) {
    EXPECT_TRUE(driver.broken());
    EXPECT_EQ(device.failure(), describe(error));
    EXPECT_EQ(driver.reg(vio::kRegInterruptStatus) & 2, 2u);
    EXPECT_TRUE(irq.asserted);
    const int before = echo->notifications;
    driver.notify(0);
    EXPECT_EQ(echo->notifications, before);
    driver.set_reg(vio::kRegStatus, 0);
    EXPECT_FALSE(driver.broken());
  }
};

TEST_F(BrokenDriver, LoopInTheRing) {
  start();
  driver.put_desc(0, 0, {buffer, 1, vio::kDescNext, 1});
  driver.put_desc(0, 1, {buffer, 1, vio::kDescNext, 0});
  driver.make_available(0, 0);
  driver.notify(0);
  expect_broken(QueueError::kLoop);
}

TEST_F(BrokenDriver, NextOutsideOfTheTable) {
  start();
  driver.put_desc(0, 0, {buffer, 1, vio::kDescNext, 8});
  driver.make_available(0, 0);
  driver.notify(0);
  expect_broken(QueueError::kBadDescIndex);
}

TEST_F(BrokenDriver, HeadOutsideOfTheTable) {
  start();
  driver.make_available(0, 0xffff);
  driver.notify(0);
  expect_broken(QueueError::kBadDescIndex);
}

TEST_F(BrokenDriver, AvailableIndexTooFarAhead) {
  start();
  ram.put<u16>(driver.queues[0].avail + 2, 9);
  driver.notify(0);
  expect_broken(QueueError::kBadAvailIdx);
}

TEST_F(BrokenDriver, RingOutsideOfRam) {
  ASSERT_TRUE(driver.negotiate(vio::kFeatureVersion1));
  driver.queues.push_back({.size = 8, .desc = 0x1000, .avail = 0x2000, .used = 0x3000});
  driver.write_setup(0);
  driver.go();
  driver.notify(0);
  expect_broken(QueueError::kBadAddress);
}

TEST_F(BrokenDriver, ReadableAfterWritable) {
  start();
  driver.submit(0, {{buffer, 1, vio::kDescWrite, 0}, {buffer, 1, 0, 0}});
  driver.notify(0);
  expect_broken(QueueError::kBadOrder);
}

TEST_F(BrokenDriver, IndirectWithoutTheFeature) {
  start();
  driver.submit(0, {{buffer, 16, vio::kDescIndirect, 0}});
  driver.notify(0);
  expect_broken(QueueError::kBadIndirect);
}

TEST_F(BrokenDriver, IndirectWithinIndirect) {
  start(vio::kFeatureVersion1 | vio::kFeatureIndirectDesc);
  ram.put(buffer, vio::Desc{buffer, 16, vio::kDescIndirect, 0});
  driver.submit(0, {{buffer, 16, vio::kDescIndirect, 0}});
  driver.notify(0);
  expect_broken(QueueError::kBadIndirect);
}

TEST_F(BrokenDriver, IndirectOfABadLength) {
  for (u32 len : {0u, 15u, 17u, (Virtqueue::kMaxIndirect + 1) * 16}) {
    start(vio::kFeatureVersion1 | vio::kFeatureIndirectDesc);
    driver.submit(0, {{buffer, len, vio::kDescIndirect, 0}});
    driver.notify(0);
    expect_broken(QueueError::kBadIndirect);
  }
}

TEST_F(BrokenDriver, IndirectWithNext) {
  start(vio::kFeatureVersion1 | vio::kFeatureIndirectDesc);
  driver.submit(0, {{buffer, 16, vio::kDescIndirect, 0}, {buffer, 1, 0, 0}});
  driver.notify(0);
  expect_broken(QueueError::kBadIndirect);
}

TEST_F(BrokenDriver, LoopInAnIndirectTable) {
  start(vio::kFeatureVersion1 | vio::kFeatureIndirectDesc);
  ram.put(buffer, vio::Desc{buffer, 1, vio::kDescNext, 0});
  driver.submit(0, {{buffer, 16, vio::kDescIndirect, 0}});
  driver.notify(0);
  expect_broken(QueueError::kLoop);
}

TEST_F(BrokenDriver, ChainOverFourGibibytes) {
  start();
  driver.submit(0, {{buffer, 0xffff'ffff, 0, 0}, {buffer, 2, 0, 0}});
  driver.notify(0);
  expect_broken(QueueError::kTooLong);
}

TEST_F(BrokenDriver, BadQueueSizesAndAlignmentAreRefusedAtSetup) {
  for (u32 size : {0u, 3u, 512u}) {
    ASSERT_TRUE(driver.negotiate(vio::kFeatureVersion1));
    driver.queues.assign(1, {.size = size, .desc = buffer, .avail = buffer, .used = buffer});
    driver.write_setup(0);
    EXPECT_TRUE(driver.broken()) << size;
    EXPECT_EQ(driver.reg(vio::kRegQueueReady), 0u);
    EXPECT_FALSE(irq.asserted);  // before DRIVER_OK the driver is not told
  }
  for (int part = 0; part < 3; ++part) {
    ASSERT_TRUE(driver.negotiate(vio::kFeatureVersion1));
    EXPECT_FALSE(driver.broken());
    driver.queues.assign(1, {.size = 8,
                             .desc = buffer + (part == 0 ? 8 : 0),
                             .avail = buffer + (part == 1),
                             .used = buffer + (part == 2 ? 2 : 0)});
    driver.write_setup(0);
    EXPECT_EQ(device.failure(), describe(QueueError::kMisaligned)) << part;
  }
}

}  // namespace
}  // namespace quire::testing
