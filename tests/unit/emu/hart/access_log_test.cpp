#include "emu/hart/access_log.h"

#include <gtest/gtest.h>

#include <vector>

namespace quire {
namespace {

/// Takes what a full log tells, as the owner of one does.
struct Taker final : AccessSink {
  AccessLog* log = nullptr;
  std::vector<AccessPlace> taken;
  unsigned times = 0;

  void on_accesses(std::span<const AccessPlace> accesses) override {
    ++times;
    taken.insert(taken.end(), accesses.begin(), accesses.end());
    log->forget();
  }
};

struct AccessLogTest : testing::Test {
  Taker taker;
  AccessLog log{taker};

  void SetUp() override { taker.log = &log; }
  std::vector<u64> addresses() const {
    std::vector<u64> found;
    for (const AccessPlace& access : log.entries()) found.push_back(access.address);
    return found;
  }
};

TEST_F(AccessLogTest, KeepsTheKindsAndTheBytesThatAreWanted) {
  log.set_wanted({.first = 0x1000, .last = 0x1007, .reads = false, .writes = true});
  for (const u64 address : {0xff8, 0xff9, 0x1000, 0x1004, 0x1007, 0x1008}) {
    log.add(1, 0x80000000, Access::kWrite, address, 8, 0);
    log.add(1, 0x80000000, Access::kRead, address, 8, 0);
  }
  EXPECT_EQ(addresses(), (std::vector<u64>{0xff9, 0x1000, 0x1004, 0x1007}));
  EXPECT_TRUE(log.entries()[0].is_store);
}

TEST_F(AccessLogTest, KnowsTheEndsOfTheAddressSpace) {
  log.set_wanted({.reads = true, .writes = true});
  log.add(1, 0, Access::kRead, 0, 1, 0);
  log.add(2, 0, Access::kRead, ~u64{0}, 1, 0);
  log.add(3, 0, Access::kRead, ~u64{7}, 8, 0);
  EXPECT_EQ(log.entries().size(), 3U);
}

TEST_F(AccessLogTest, KeepsAsMuchOfTheValueAsWasMoved) {
  log.set_wanted({.reads = true, .writes = true});
  for (const unsigned size : {1U, 2U, 4U, 8U}) log.add(1, 2, Access::kWrite, 0x10, size, 0x8877665544332211);
  const u64 expected[] = {0x11, 0x2211, 0x44332211, 0x8877665544332211};
  for (usize i = 0; i < 4; ++i) EXPECT_EQ(log.entries()[i].value, expected[i]);
}

TEST_F(AccessLogTest, TellsWhenItIsFullAndLosesNothing) {
  log.set_wanted({.reads = true});
  for (u64 i = 0; i < 5000; ++i) log.add(i, 4 * i, Access::kRead, 8 * i, 8, i);
  EXPECT_GT(taker.times, 2U);
  taker.taken.insert(taker.taken.end(), log.entries().begin(), log.entries().end());
  ASSERT_EQ(taker.taken.size(), 5000U);
  for (u64 i = 0; i < 5000; ++i) ASSERT_EQ(taker.taken[i].icount, i);
}

}  // namespace
}  // namespace quire
