// Settings as people write them.
#include "quire/settings.h"

#include <gtest/gtest.h>

#include "quire/error.h"

namespace quire {
namespace {

template <class Call>
void expect_usage_error(Call call, const std::string& part) {
  try {
    call();
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(Settings, SizesTakeBinarySuffixes) {
  EXPECT_EQ(parse_size("65536"), 65536U);
  EXPECT_EQ(parse_size("64K"), 65536U);
  EXPECT_EQ(parse_size("64KiB"), 65536U);
  EXPECT_EQ(parse_size("3MB"), 3U << 20);
  EXPECT_EQ(parse_size("100T"), 100ULL << 40);
}

TEST(Settings, SizesThatAreNoneAreRefused) {
  for (const char* text : {"", "M", "-1", "1.5G", "1 G", "1X", "1Mb", "16777216T", "18446744073709551616"}) {
    expect_usage_error([&] { parse_size(text); }, std::string("'") + text + "'");
  }
}

TEST(Settings, ScreensAreWidthByHeight) {
  EXPECT_EQ(parse_screen("1024x768").width, 1024U);
  EXPECT_EQ(parse_screen("1024x768").height, 768U);
  for (const char* text :
       {"", "1024", "x", "1024x", "x768", "1024x768x2", "-1x5", "99999999999x1", "10 x 10"}) {
    expect_usage_error([&] { parse_screen(text); }, std::string("'") + text + "'");
  }
}

TEST(Settings, TlbPartsReplaceOnlyThemselves) {
  const TlbConfig tlb = parse_tlb("ways=2,policy=fifo", {64, 4, TlbPolicy::kLru});
  EXPECT_EQ(tlb.entries, 64U);
  EXPECT_EQ(tlb.ways, 2U);
  EXPECT_EQ(tlb.policy, TlbPolicy::kFifo);
  EXPECT_EQ(tlb_policy_name(tlb.policy), "fifo");
}

TEST(Settings, TlbPartsThatAreNoneAreRefused) {
  for (const char* text :
       {"", "entries", "entries=", "entries=0", "entries=65537", "ways=x", "policy=best", "entries=4,"}) {
    expect_usage_error([&] { parse_tlb(text); }, "TLB");
  }
}

TEST(Settings, LastColonSeparatesHostFromGuest) {
  const HostGuestPath paths = parse_host_guest("a:b/c:/d");
  EXPECT_EQ(paths.host, "a:b/c");
  EXPECT_EQ(paths.guest, "/d");
  EXPECT_EQ(parse_host_guest("/etc/../x").guest, "/x");
  for (const char* text : {"", "a:", ":/b", "a:b"}) {
    expect_usage_error([&] { parse_host_guest(text); }, text);
  }
}

}  // namespace
}  // namespace quire
