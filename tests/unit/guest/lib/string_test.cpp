#include "guest/lib/string.h"

#include <gtest/gtest.h>

#include "tests/unit/guest/support/host.h"

namespace kernel {
namespace {

TEST(String, AppendsAndStaysTerminated) {
  String s;
  EXPECT_STREQ(s.c_str(), "");
  ASSERT_TRUE(s.append("abc").ok());
  ASSERT_TRUE(s.append('d').ok());
  ASSERT_TRUE(s.append_format(" {:x}", 255).ok());
  EXPECT_STREQ(s.c_str(), "abcd ff");
  EXPECT_EQ(s.size(), 7U);
  s.truncate(2);
  EXPECT_STREQ(s.c_str(), "ab");
  s.truncate(0);
  EXPECT_TRUE(s.empty());
  EXPECT_STREQ(s.c_str(), "");
}

TEST(String, FailedAppendKeepsTheText) {
  auto made = String::from("abc");
  ASSERT_TRUE(made.ok());
  String& s = made.value();
  host::g_failing_allocations = 1;
  EXPECT_FALSE(s.append("a text that needs more memory than there is").ok());
  EXPECT_EQ(s, StringView("abc"));
  EXPECT_STREQ(s.c_str(), "abc");
}

TEST(String, FormattingReportsTheFailure) {
  String s;
  host::g_failing_allocations = 1;
  EXPECT_EQ(s.append_format("{}", 5).error(), Errno::kENOMEM);
}

}  // namespace
}  // namespace kernel
