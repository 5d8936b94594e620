#include "emu/mem/bus.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace quire {
namespace {

constexpr PhysAddr kBase{0x8000'0000};

struct Call {
  char kind;
  u64 offset, size, value;
  bool operator==(const Call&) const = default;
};

class EchoDevice final : public Device {
 public:
  std::vector<Call> calls;
  u64 answer = 0xffff'ffff'ffff'ffff;

  std::string_view name() const override { return "echo"; }
  void reset() override {}
  void transfer(StateArchive& /*archive*/) override {}
  u64 read(u64 offset, unsigned size) override {
    calls.push_back({'r', offset, size, answer});
    return answer;
  }
  void write(u64 offset, unsigned size, u64 value) override { calls.push_back({'w', offset, size, value}); }
};

struct Fixture : testing::Test {
  Ram ram{kBase, 0x4000};
  Bus bus{ram};
  EchoDevice first, second;
  u64 out = 0;
  void SetUp() override {
    bus.add_device(PhysAddr(0x2000), 0x1000, &second);
    bus.add_device(PhysAddr(0x1000), 0x100, &first);
  }
};
using BusTest = Fixture;

TEST_F(BusTest, DevicesSeeOffsetsAndTruncatedValues) {
  EXPECT_TRUE(bus.load(PhysAddr(0x1004), 4, out));
  EXPECT_EQ(out, 0xffff'ffffu);
  EXPECT_TRUE(bus.store(PhysAddr(0x2ff8), 2, 0x12345));
  EXPECT_EQ(first.calls, (std::vector<Call>{{'r', 4, 4, ~u64{0}}}));
  EXPECT_EQ(second.calls, (std::vector<Call>{{'w', 0xff8, 2, 0x2345}}));
  EXPECT_EQ(bus.device_accesses(), 2u);
}

TEST_F(BusTest, HolesMisalignmentAndOverrunsFailWithoutACall) {
  EXPECT_FALSE(bus.load(PhysAddr(0), 1, out));
  EXPECT_FALSE(bus.load(PhysAddr(0x1100), 1, out));
  EXPECT_FALSE(bus.load(PhysAddr(0x10fe), 4, out));
  EXPECT_FALSE(bus.store(PhysAddr(0x1002), 4, 0));
  EXPECT_FALSE(bus.store(PhysAddr(0x1100 - 4), 8, 0));
  EXPECT_FALSE(bus.load(kBase + 0x4000, 1, out));
  EXPECT_FALSE(bus.load(kBase + 0x3ffc, 8, out));
  EXPECT_TRUE(first.calls.empty());
  EXPECT_EQ(bus.device_accesses(), 0u);
}

TEST_F(BusTest, RamTakesEverySizeAtEveryAlignmentZeroExtended) {
  ASSERT_TRUE(bus.store(kBase + 1, 8, 0x8877'6655'4433'2211));
  for (const unsigned size : {1u, 2u, 4u, 8u}) {
    ASSERT_TRUE(bus.load(kBase + 1, size, out));
    EXPECT_EQ(out, bits(0x8877'6655'4433'2211, size * 8 - 1, 0));
  }
  ASSERT_TRUE(bus.store(kBase + 2, 2, 0xabcd'eeff));
  ASSERT_TRUE(bus.load(kBase + 1, 8, out));
  EXPECT_EQ(out, 0x8877'6655'44ee'ff11u);
}

TEST_F(BusTest, DmaReachesRamAloneAndAllOrNothing) {
  std::array<u8, 8> data{1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_FALSE(bus.write(kBase.value + 0x3ffc, data));
  ASSERT_TRUE(bus.load(kBase + 0x3ff8, 8, out));
  EXPECT_EQ(out, 0u);
  EXPECT_FALSE(bus.read(0x1000, data));
  EXPECT_TRUE(bus.write(kBase.value + 0xffc, data));
  std::array<u8, 8> back{};
  EXPECT_TRUE(bus.read(kBase.value + 0xffc, back));
  EXPECT_EQ(back, data);
  EXPECT_TRUE(bus.read(0x1000, std::span<u8>{}));
}

TEST_F(BusTest, HartStoresTellWatchersOnlyOfWatchedPages) {
  struct Counter final : RamWatcher {
    int count = 0;
    Writer last = Writer::kOther;
    void ram_written(PhysAddr, u64, Writer writer) override {
      ++count;
      last = writer;
    }
  } counter;
  ram.add_watcher(&counter);
  ram.set_has_code(kBase + 0x1000, true);
  bus.store(kBase + 0x2000, 8, 1);
  EXPECT_EQ(counter.count, 0);
  bus.store(kBase + 0x1ff8, 8, 1);
  EXPECT_EQ(counter.count, 1);
  bus.store(kBase + 0xffc, 8, 1);  // its last bytes
  EXPECT_EQ(counter.count, 2);
  EXPECT_EQ(counter.last, Writer::kHart);
  ram.remove_watcher(&counter);
}

TEST_F(BusTest, OverlapIsOurOwnBug) {
  EchoDevice third;
  EXPECT_DEATH(bus.add_device(PhysAddr(0x10ff), 0x10, &third), "internal error");
  EXPECT_DEATH(bus.add_device(kBase + 0x3000, 0x10, &third), "internal error");
}

}  // namespace
}  // namespace quire
