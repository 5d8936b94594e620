#include "guest/mem/injection.h"

#include <gtest/gtest.h>

namespace kernel {
namespace {

TEST(Injection, ReadsWhatIsToFailAndForHowLong) {
  const auto once = Injection::parse("7");
  ASSERT_TRUE(once);
  EXPECT_EQ(once->target, FailTarget::kFrames);
  EXPECT_EQ(once->lasting, FailFor::kOnce);
  EXPECT_EQ(once->nth, 7u);
  const auto ever = Injection::parse("heap:12+");
  ASSERT_TRUE(ever);
  EXPECT_EQ(ever->target, FailTarget::kObjects);
  EXPECT_EQ(ever->lasting, FailFor::kEver);
  EXPECT_EQ(ever->nth, 12u);
}

TEST(Injection, RefusesWhatIsNoCount) {
  for (const char* text :
       {"", "0", "+", "heap:", "heap:0", "x", "1x", "-1", "1++", "heap:+1", "99999999999999999999"}) {
    EXPECT_FALSE(Injection::parse(text)) << text;
  }
}

TEST(Injection, OnceIsTheNthAlone) {
  inject({.nth = 3});
  EXPECT_FALSE(is_injected_failure(FailTarget::kFrames));
  EXPECT_FALSE(is_injected_failure(FailTarget::kObjects));
  EXPECT_FALSE(is_injected_failure(FailTarget::kFrames));
  EXPECT_TRUE(is_injected_failure(FailTarget::kFrames));
  EXPECT_FALSE(is_injected_failure(FailTarget::kFrames));
}

TEST(Injection, SaysWhatCameOfIt) {
  inject({.nth = 3});
  EXPECT_FALSE(is_injected_failure(FailTarget::kFrames));
  EXPECT_EQ(injection_outcome().refused, 0u);
  EXPECT_EQ(injection_outcome().missing, 2u);
  EXPECT_FALSE(is_injected_failure(FailTarget::kFrames));
  EXPECT_TRUE(is_injected_failure(FailTarget::kFrames));
  EXPECT_EQ(injection_outcome().refused, 1u);
  EXPECT_EQ(injection_outcome().missing, 0u);
  inject({.lasting = FailFor::kEver, .nth = 1});
  EXPECT_TRUE(is_injected_failure(FailTarget::kFrames));
  EXPECT_TRUE(is_injected_failure(FailTarget::kFrames));
  EXPECT_EQ(injection_outcome().refused, 2u);
  EXPECT_EQ(injection_outcome().missing, 0u);
  stop_injecting();
}

TEST(Injection, EverIsTheNthAndAllBehindItUntilItIsStopped) {
  inject({.target = FailTarget::kObjects, .lasting = FailFor::kEver, .nth = 2});
  EXPECT_FALSE(is_injected_failure(FailTarget::kObjects));
  EXPECT_TRUE(is_injected_failure(FailTarget::kObjects));
  EXPECT_TRUE(is_injected_failure(FailTarget::kObjects));
  EXPECT_FALSE(is_injected_failure(FailTarget::kFrames));
  stop_injecting();
  EXPECT_FALSE(is_injected_failure(FailTarget::kObjects));
}

TEST(Injection, AFailureThatIsOverLeavesNothingBehind) {
  using injection_detail::quire_fail_slots;
  inject({.target = FailTarget::kTransfers, .nth = 1});
  EXPECT_TRUE(is_injected_failure(FailTarget::kTransfers));
  const auto& slot = quire_fail_slots[static_cast<unsigned>(FailTarget::kTransfers)];
  EXPECT_EQ(slot.left | slot.ever | slot.chance | slot.random | slot.failures, 0u);
}

TEST(Injection, AChanceFailsAboutAsOftenAsItSaysAndCountsIt) {
  using injection_detail::quire_fail_slots;
  auto& slot = quire_fail_slots[static_cast<unsigned>(FailTarget::kFrames)];
  slot = {.left = 1, .ever = 1, .chance = u64{1} << 30, .random = 12345, .failures = 0};
  unsigned failures = 0;
  for (unsigned i = 0; i < 4000; ++i) {
    failures += is_injected_failure(FailTarget::kFrames) ? 1 : 0;
  }
  EXPECT_GT(failures, 850u);
  EXPECT_LT(failures, 1150u);
  EXPECT_EQ(slot.failures, failures);
  stop_injecting();
}

TEST(Injection, ReadsTransfersToo) {
  EXPECT_EQ(Injection::parse("io:3+")->target, FailTarget::kTransfers);
  EXPECT_FALSE(Injection::parse("io:"));
}

}  // namespace
}  // namespace kernel
