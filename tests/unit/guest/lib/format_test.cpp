#include "guest/lib/format.h"

#include <gtest/gtest.h>

#include <string>

namespace kernel {
namespace {

template <class... Args>
std::string text(FormatString<Args...> format_text, const Args&... args) {
  char buffer[128];
  return std::string(format_into(buffer, format_text, args...));
}

TEST(Format, PrintsEachKind) {
  EXPECT_EQ(text("{} {} {} {} {}", 1U, -2, 'c', "text", true), "1 -2 c text true");
  EXPECT_EQ(text("{}", PhysAddr(0x1000)), "0x1000");
  EXPECT_EQ(text("{}", static_cast<const char*>(nullptr)), "(null)");
}

TEST(Format, PadsAndAligns) {
  EXPECT_EQ(text("[{:5}]", 42), "[   42]");
  EXPECT_EQ(text("[{:<5}]", 42), "[42   ]");
  EXPECT_EQ(text("[{:05}]", -42), "[-0042]");
  EXPECT_EQ(text("[{:08x}]", 0xbeefU), "[0000beef]");
  EXPECT_EQ(text("[{:5}]", "ab"), "[ab   ]");
  EXPECT_EQ(text("[{:>5}]", "ab"), "[   ab]");
  EXPECT_EQ(text("[{:2}]", "abc"), "[abc]");
}

TEST(Format, PrintsTheExtremes) {
  EXPECT_EQ(text("{}", ~u64{0}), "18446744073709551615");
  EXPECT_EQ(text("{}", std::numeric_limits<i64>::min()), "-9223372036854775808");
  EXPECT_EQ(text("{:x}", ~u64{0}), "ffffffffffffffff");
  EXPECT_EQ(text("{}", 0), "0");
}

TEST(Format, DoubledBracesAreBraces) { EXPECT_EQ(text("{{{}}}", 1), "{1}"); }

TEST(Format, WhatDoesNotFitIsCounted) {
  char buffer[4];
  BufferSink sink(buffer);
  format(sink, "{}", 123456);
  EXPECT_EQ(sink.view(), "1234");
  EXPECT_EQ(sink.wanted(), 6U);
}

TEST(Format, PlaceholdersAreCountedForTheCompileTimeCheck) {
  EXPECT_EQ(format_detail::count_placeholders("{} {:08x} {{}}"), 2);
  EXPECT_EQ(format_detail::count_placeholders("{"), -1);
  EXPECT_EQ(format_detail::count_placeholders("}"), -1);
}

}  // namespace
}  // namespace kernel
