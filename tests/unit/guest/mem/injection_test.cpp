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

TEST(Injection, EverIsTheNthAndAllBehindItUntilItIsStopped) {
  inject({.target = FailTarget::kObjects, .lasting = FailFor::kEver, .nth = 2});
  EXPECT_FALSE(is_injected_failure(FailTarget::kObjects));
  EXPECT_TRUE(is_injected_failure(FailTarget::kObjects));
  EXPECT_TRUE(is_injected_failure(FailTarget::kObjects));
  EXPECT_FALSE(is_injected_failure(FailTarget::kFrames));
  stop_injecting();
  EXPECT_FALSE(is_injected_failure(FailTarget::kObjects));
}

}  // namespace
}  // namespace kernel
