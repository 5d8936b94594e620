#include "emu/devices/plic.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/devices/fakes.h"

namespace quire::testing {
namespace {

constexpr u64 kEnableM = 0x2000, kEnableS = 0x2080;
constexpr u64 kThresholdM = 0x20'0000, kClaimM = 0x20'0004;
constexpr u64 kThresholdS = 0x20'1000, kClaimS = 0x20'1004;

struct PlicTest : ::testing::Test {
  FakeIrq m, s;
  Plic plic{{&m, &s}};

  void write(u64 offset, u32 value) { plic.write(offset, 4, value); }
  u32 read(u64 offset) { return static_cast<u32>(plic.read(offset, 4)); }
  void enable_s(unsigned id, u32 priority) {
    write(id * 4, priority);
    write(kEnableS + id / 32 * 4, read(kEnableS + id / 32 * 4) | 1U << (id % 32));
  }
};

TEST_F(PlicTest, RoutesOnlyToEnabledContexts) {
  enable_s(10, 1);
  plic.source(10).set(true);
  EXPECT_TRUE(s.asserted);
  EXPECT_FALSE(m.asserted);
  EXPECT_EQ(read(0x1000), 1U << 10);
}

TEST_F(PlicTest, PriorityZeroNeverInterrupts) {
  enable_s(10, 0);
  plic.source(10).set(true);
  EXPECT_FALSE(s.asserted);
  EXPECT_EQ(read(kClaimS), 0u);
}

TEST_F(PlicTest, ThresholdMasksEqualPriorityButNotClaims) {
  enable_s(3, 4);
  write(kThresholdS, 4);
  plic.source(3).set(true);
  EXPECT_FALSE(s.asserted);
  write(kThresholdS, 3);
  EXPECT_TRUE(s.asserted);
  write(kThresholdS, 7);
  EXPECT_EQ(read(kClaimS), 3u);
}

TEST_F(PlicTest, ClaimTakesHighestPriorityThenLowestId) {
  enable_s(5, 2);
  enable_s(7, 6);
  enable_s(9, 6);
  enable_s(70, 1);
  for (unsigned id : {70u, 9u, 7u, 5u}) {
    plic.source(id).set(true);
  }
  EXPECT_EQ(read(kClaimS), 7u);
  EXPECT_EQ(read(kClaimS), 9u);
  EXPECT_EQ(read(kClaimS), 5u);
  EXPECT_EQ(read(kClaimS), 70u);
  EXPECT_EQ(read(kClaimS), 0u);
  EXPECT_FALSE(s.asserted);
}

TEST_F(PlicTest, HighLevelAsksAgainOnlyAfterCompletion) {
  enable_s(1, 1);
  plic.source(1).set(true);
  EXPECT_EQ(read(kClaimS), 1u);
  EXPECT_FALSE(s.asserted);
  plic.source(1).set(false);
  plic.source(1).set(true);
  EXPECT_FALSE(s.asserted);
  write(kClaimS, 1);
  EXPECT_TRUE(s.asserted);
}

TEST_F(PlicTest, LowLevelIsDoneAfterCompletion) {
  enable_s(1, 1);
  plic.source(1).set(true);
  EXPECT_EQ(read(kClaimS), 1u);
  plic.source(1).set(false);
  write(kClaimS, 1);
  EXPECT_FALSE(s.asserted);
  EXPECT_EQ(read(0x1000), 0u);
}

TEST_F(PlicTest, RequestSurvivesItsLevel) {
  enable_s(1, 1);
  plic.source(1).set(true);
  plic.source(1).set(false);
  EXPECT_TRUE(s.asserted);
  EXPECT_EQ(read(kClaimS), 1u);
}

TEST_F(PlicTest, CompletionOfADisabledSourceIsIgnored) {
  enable_s(1, 1);
  plic.source(1).set(true);
  EXPECT_EQ(read(kClaimS), 1u);
  write(kClaimM, 1);  // never enabled there
  EXPECT_FALSE(s.asserted);
  write(kClaimS, 1);
  EXPECT_TRUE(s.asserted);
}

TEST_F(PlicTest, LastSourceWorksAndNoOtherExists) {
  enable_s(96, 7);
  plic.source(96).set(true);
  EXPECT_EQ(read(0x100c), 1u);
  EXPECT_EQ(read(kClaimS), 96u);
  write(97 * 4, 7);
  EXPECT_EQ(read(97 * 4), 0u);
}

TEST_F(PlicTest, FieldsAreWarl) {
  write(4, 0xffff'ffff);
  EXPECT_EQ(read(4), 7u);
  write(kThresholdM, 0xffff'ffff);
  EXPECT_EQ(read(kThresholdM), 7u);
  write(0, 7);  // source 0 does not exist
  EXPECT_EQ(read(0), 0u);
  write(kEnableM, 0xffff'ffff);
  EXPECT_EQ(read(kEnableM), 0xffff'fffeu);
  write(0x1000, 0xffff'ffff);  // pending is read-only
  EXPECT_EQ(read(0x1000), 0u);
}

TEST_F(PlicTest, ResetForgetsSetupAndKeepsLevels) {
  enable_s(2, 3);
  plic.source(2).set(true);
  read(kClaimS);
  plic.reset();
  EXPECT_FALSE(s.asserted);
  EXPECT_EQ(read(kEnableS), 0u);
  enable_s(2, 3);
  EXPECT_TRUE(s.asserted);
}

struct LosesSource final : IrqFaults {
  unsigned lost = 0;
  bool loses_irq(unsigned source) override { return source == 10 && lost++ == 0; }
};

TEST_F(PlicTest, ALostRequestComesBackWithTheNextEdgeOnly) {
  LosesSource faults;
  plic.set_faults(&faults);
  enable_s(10, 1);
  plic.source(10).set(true);
  EXPECT_FALSE(s.asserted);
  plic.source(10).set(true);
  EXPECT_FALSE(s.asserted);
  plic.source(10).set(false);
  plic.source(10).set(true);
  EXPECT_TRUE(s.asserted);
}

TEST_F(PlicTest, ASpuriousRequestIsClaimedAndDoesNotComeAgain) {
  enable_s(10, 1);
  plic.raise_spurious(10);
  EXPECT_TRUE(s.asserted);
  EXPECT_EQ(read(kClaimS), 10u);
  write(kClaimS, 10);
  EXPECT_FALSE(s.asserted);
}

}  // namespace
}  // namespace quire::testing
