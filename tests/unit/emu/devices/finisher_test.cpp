#include "emu/devices/finisher.h"

#include <gtest/gtest.h>

#include <optional>

namespace quire::testing {
namespace {

struct FinisherTest : ::testing::Test {
  std::optional<Finisher::Action> action;
  u32 status = 99;
  Finisher finisher{[this](Finisher::Action a, u32 s) {
    action = a;
    status = s;
  }};
};

TEST_F(FinisherTest, PassIsStatusZero) {
  finisher.write(0, 4, 0x5555);
  EXPECT_EQ(action, Finisher::Action::kPowerOff);
  EXPECT_EQ(status, 0u);
}

TEST_F(FinisherTest, FailureCarriesItsStatus) {
  finisher.write(0, 4, 42U << 16 | 0x3333);
  EXPECT_EQ(action, Finisher::Action::kPowerOff);
  EXPECT_EQ(status, 42u);
}

TEST_F(FinisherTest, ResetIsAskedFor) {
  finisher.write(0, 4, 0x7777);
  EXPECT_EQ(action, Finisher::Action::kReset);
}

TEST_F(FinisherTest, OtherValuesAndRegistersDoNothing) {
  finisher.write(0, 4, 0x1234);
  finisher.write(4, 4, 0x5555);
  EXPECT_FALSE(action);
  EXPECT_EQ(finisher.read(0, 4), 0u);
}

}  // namespace
}  // namespace quire::testing
