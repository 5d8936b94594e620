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

TEST(Settings, DrivesTakeFlagsAndDoubledCommas) {
  const Drive plain = parse_drive("disk.img");
  EXPECT_EQ(plain.path, "disk.img");
  EXPECT_FALSE(plain.read_only || plain.snapshot);
  const Drive drive = parse_drive("a,,b,ro,snapshot");
  EXPECT_EQ(drive.path, "a,b");
  EXPECT_TRUE(drive.read_only && drive.snapshot);
  for (const char* text : {"", ",ro", "disk,", "disk,rw", "disk,ro,"}) {
    expect_usage_error([&] { parse_drive(text); }, std::string("'") + text + "'");
  }
}

TEST(Settings, SharesNeedADirectoryAndATag) {
  const Share share = parse_share("/srv/a,,b,tag=host");
  EXPECT_EQ(share.host_path, "/srv/a,b");
  EXPECT_EQ(share.tag, "host");
  EXPECT_FALSE(share.writable);
  EXPECT_TRUE(parse_share("d,tag=x,rw").writable);
  const std::string long_tag = "d,tag=" + std::string(32, 'x');
  for (const char* text : {"", "d", "d,tag=", ",tag=x", "d,ro,tag=x", long_tag.c_str()}) {
    expect_usage_error([&] { parse_share(text); }, std::string("'") + text + "'");
  }
}

TEST(Settings, NetworksForwardPorts) {
  EXPECT_EQ(parse_net("none").mode, NetMode::kNone);
  EXPECT_EQ(parse_net("user").mode, NetMode::kUser);
  const NetConfig net = parse_net("user,hostfwd=tcp::2222-:22,hostfwd=udp:0.0.0.0:53-10.0.2.15:5353");
  ASSERT_EQ(net.forwards.size(), 2U);
  EXPECT_EQ(net.forwards[0].protocol, HostForward::Protocol::kTcp);
  EXPECT_EQ(net.forwards[0].host_address, "127.0.0.1");
  EXPECT_EQ(net.forwards[0].host_port, 2222);
  EXPECT_EQ(net.forwards[0].guest_address, "");
  EXPECT_EQ(net.forwards[0].guest_port, 22);
  EXPECT_EQ(net.forwards[1].protocol, HostForward::Protocol::kUdp);
  EXPECT_EQ(net.forwards[1].host_address, "0.0.0.0");
  EXPECT_EQ(net.forwards[1].guest_address, "10.0.2.15");
}

TEST(Settings, NetworksThatAreNoneAreRefused) {
  for (const char* text :
       {"", "tap", "none,hostfwd=tcp::1-:1", "user,hostfwd=tcp:1-:1", "user,hostfwd=sctp::1-:1",
        "user,hostfwd=tcp::0-:1", "user,hostfwd=tcp::1-:65536", "user,hostfwd=tcp:1.2.3:1-:1",
        "user,hostfwd=tcp:1:2:3", "user,hostfwd=tcp", "user,hostfwd=1-2", "user,", "user,dns=1.1.1.1"}) {
    expect_usage_error([&] { parse_net(text); }, std::string("'") + text + "'");
  }
}

}  // namespace
}  // namespace quire
