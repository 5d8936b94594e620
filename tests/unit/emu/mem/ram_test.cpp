#include "emu/mem/ram.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace quire {
namespace {

constexpr PhysAddr kBase{0x8000'0000};

struct Recorder final : RamWatcher {
  struct Write {
    u64 start, count_bytes;
    Writer writer;
    bool operator==(const Write&) const = default;
  };
  std::vector<Write> seen;
  void ram_written(PhysAddr start, u64 count_bytes, Writer writer) override {
    seen.push_back({start.value, count_bytes, writer});
  }
};

TEST(Ram, ContainsOnlyWhatLiesWhollyWithin) {
  const Ram ram(kBase, 0x4000);
  EXPECT_TRUE(ram.contains(kBase, 1));
  EXPECT_TRUE(ram.contains(kBase + 0x3fff, 1));
  EXPECT_TRUE(ram.contains(kBase, 0x4000));
  EXPECT_FALSE(ram.contains(kBase + 0x3fff, 2));
  EXPECT_FALSE(ram.contains(kBase - 1, 1));
  EXPECT_FALSE(ram.contains(kBase - 1, 8));
  EXPECT_FALSE(ram.contains(PhysAddr(~u64{0}), 8));
  EXPECT_FALSE(ram.contains(kBase + 8, ~u64{0}));
}

TEST(Ram, StartsAsZeroAndKeepsWhatIsWritten) {
  Ram ram(kBase, 0x2000);
  std::array<u8, 4> out{1, 1, 1, 1};
  ram.read(kBase + 0xffe, out);
  EXPECT_EQ(out, (std::array<u8, 4>{}));
  ram.write(kBase + 0xffe, std::array<u8, 4>{1, 2, 3, 4});
  ram.read(kBase + 0xffe, out);
  EXPECT_EQ(out, (std::array<u8, 4>{1, 2, 3, 4}));
}

TEST(Ram, HostWritesReachWatchersUntilRemoved) {
  Ram ram(kBase, 0x2000);
  Recorder recorder;
  ram.add_watcher(&recorder);
  ram.write(kBase + 16, std::array<u8, 3>{});
  ram.write(kBase + 16, std::span<const u8>{});
  ram.remove_watcher(&recorder);
  ram.write(kBase + 32, std::array<u8, 3>{});
  EXPECT_EQ(recorder.seen, (std::vector<Recorder::Write>{{kBase.value + 16, 3, Writer::kOther}}));
}

TEST(Ram, PageStaysWatchedForTheDeviceWhenItsCodeGoes) {
  Ram ram(kBase, 0x2000);
  ram.watch_for_device(kBase + 0x1008, 8);
  ram.set_has_code(kBase + 0x1000, true);
  EXPECT_FALSE(ram.watched(kBase));
  EXPECT_TRUE(ram.watched(kBase + 0x1fff));
  ram.set_has_code(kBase + 0x1000, false);
  EXPECT_TRUE(ram.watched(kBase + 0x1000));
}

TEST(Ram, KnowsWhichBytesOfAPageADeviceLooksAt) {
  Ram ram(kBase, 0x3000);
  ram.watch_for_device(kBase + 0x0ffc, 8);
  EXPECT_FALSE(ram.device_looks_at(kBase + 0xff8, 4));
  EXPECT_TRUE(ram.device_looks_at(kBase + 0xff9, 4));
  EXPECT_TRUE(ram.device_looks_at(kBase + 0x1003, 1));
  EXPECT_FALSE(ram.device_looks_at(kBase + 0x1004, 8));
  EXPECT_FALSE(ram.device_looks_at(kBase + 0x2000, 8));
  EXPECT_TRUE(ram.watched(kBase + 0x1fff));
}

}  // namespace
}  // namespace quire
