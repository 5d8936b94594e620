#include "emu/devices/trace_port.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/devices/fakes.h"

namespace quire::testing {
namespace {

struct TracePortTest : ::testing::Test {
  FakeRam ram;
  std::vector<std::pair<arch::TraceEventId, std::vector<u64>>> events;
  TracePort port{ram, [this](arch::TraceEventId id, std::span<const u64> args) {
                   events.emplace_back(id, std::vector<u64>(args.begin(), args.end()));
                 }};

  void ring(u64 id, u64 count) { port.write(0x10, 8, id | count << 16); }
};

TEST_F(TracePortTest, SaysWhatItIs) { EXPECT_EQ(port.read(0, 8), 0x31454341525451u); }

TEST_F(TracePortTest, DeliversTheRecordAtTheDoorbell) {
  port.write(0x08, 8, FakeRam::kBase + 64);
  ram.put<u64>(FakeRam::kBase + 64, 7);
  ram.put<u64>(FakeRam::kBase + 72, ~u64{0});
  ring(5, 2);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].first, arch::TraceEventId::k_exit);
  EXPECT_EQ(events[0].second, (std::vector<u64>{7, ~u64{0}}));
}

TEST_F(TracePortTest, DropsWhatItCannotRead) {
  port.write(0x08, 8, 0x1000);
  ring(5, 2);
  port.write(0x08, 8, FakeRam::kBase);
  ring(5, 9);
  ring(0xfff0, 1);
  ring(5, u64{1} << 40);
  EXPECT_TRUE(events.empty());
  port.write(0x08, 8, 0x1000);
  ring(15, 0);  // no record is needed
  EXPECT_EQ(events.size(), 1u);
}

}  // namespace
}  // namespace quire::testing
