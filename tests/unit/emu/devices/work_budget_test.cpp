#include "emu/devices/work_budget.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/devices/fakes.h"

namespace quire::testing {
namespace {

TEST(WorkBudget, IsOpenUntilABurstIsSpent) {
  FakeClock clock;
  WorkBudget budget(clock);
  EXPECT_TRUE(budget.open());
  budget.spend(WorkBudget::kBurst - 1);
  EXPECT_TRUE(budget.open());
  budget.spend(1);
  EXPECT_FALSE(budget.open());
}

TEST(WorkBudget, OpensWhenItSaysAndNotBefore) {
  FakeClock clock;
  WorkBudget budget(clock);
  budget.spend(WorkBudget::kBurst);
  const u64 opens_ns = budget.opens_at_ns();
  EXPECT_EQ(opens_ns, WorkBudget::kReopen / WorkBudget::kPerNs);
  clock.advance_to(opens_ns - 1);
  EXPECT_FALSE(budget.open());
  clock.advance_to(opens_ns);
  EXPECT_TRUE(budget.open());
}

TEST(WorkBudget, DebtIsPaidFirst) {
  FakeClock clock;
  WorkBudget budget(clock);
  budget.spend(WorkBudget::kBurst);
  budget.spend(64 << 10);
  EXPECT_EQ(budget.opens_at_ns(), (WorkBudget::kReopen + (64 << 10)) / WorkBudget::kPerNs);
}

TEST(WorkBudget, AYearsRestIsNotMoreThanABurst) {
  FakeClock clock;
  WorkBudget budget(clock);
  budget.spend(WorkBudget::kBurst);
  clock.advance_to(u64{1} << 62);
  EXPECT_TRUE(budget.open());
  budget.spend(WorkBudget::kBurst);
  EXPECT_FALSE(budget.open());
}

TEST(WorkBudget, WorkInAStretchOfTimeIsBounded) {
  FakeClock clock;
  WorkBudget budget(clock);
  constexpr u64 kStep = 64 << 10;
  u64 work = 0;
  constexpr u64 kStretchNs = 1'000'000;
  for (u64 now = 0; now <= kStretchNs; now += 10) {
    clock.advance_to(now);
    while (budget.open()) {
      budget.spend(kStep);
      work += kStep;
    }
  }
  EXPECT_LE(work, WorkBudget::kBurst + kStretchNs * WorkBudget::kPerNs + kStep);
  EXPECT_GE(work, kStretchNs * WorkBudget::kPerNs);
}

}  // namespace
}  // namespace quire::testing
