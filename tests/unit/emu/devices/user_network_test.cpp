// libslirp is real here, and so are the host's sockets; the guest is what these tests send as frames.
#include "emu/devices/user_network.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <numeric>

#include "quire/error.h"
#include "tests/unit/emu/devices/fakes.h"

namespace quire::testing {
namespace {

using Bytes = std::vector<u8>;

constexpr u8 kGuestMac[6] = {0x52, 0x54, 0, 1, 2, 3};
constexpr u8 kGuestIp[4] = {10, 0, 2, 15}, kHostIp[4] = {10, 0, 2, 2};

void append(Bytes& to, std::span<const u8> bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }
void append16(Bytes& to, u16 value) {
  to.push_back(static_cast<u8>(value >> 8));
  to.push_back(static_cast<u8>(value));
}
u16 get16(const Bytes& from, std::size_t at) { return static_cast<u16>(from[at] << 8 | from[at + 1]); }

Bytes ethernet(std::span<const u8> to, u16 type, const Bytes& payload) {
  Bytes frame;
  append(frame, to);
  append(frame, kGuestMac);
  append16(frame, type);
  append(frame, payload);
  return frame;
}

/// RFC 826: who has `ip`, or, with a target's address, "it is at kGuestMac".
Bytes arp(u16 operation, std::span<const u8> target_mac, std::span<const u8> target_ip) {
  Bytes packet;
  for (const u16 word : {u16{1}, u16{0x0800}, u16{0x0604}, operation}) {
    append16(packet, word);
  }
  append(packet, kGuestMac);
  append(packet, kGuestIp);
  append(packet, target_mac);
  append(packet, target_ip);
  return packet;
}

/// RFC 791 and 768; the UDP sum may be left out.
Bytes udp(u16 from, u16 to, std::string_view text) {
  Bytes packet = {0x45, 0};
  append16(packet, static_cast<u16>(28 + text.size()));
  append(packet, Bytes{0, 1, 0, 0, 64, 17, 0, 0});
  append(packet, kGuestIp);
  append(packet, kHostIp);
  u32 sum = 0;
  for (std::size_t at = 0; at < packet.size(); at += 2) {
    sum += get16(packet, at);
  }
  sum = (sum & 0xffff) + (sum >> 16);
  packet[10] = static_cast<u8>(~sum >> 8);
  packet[11] = static_cast<u8>(~sum);
  append16(packet, from);
  append16(packet, to);
  append16(packet, static_cast<u16>(8 + text.size()));
  append16(packet, 0);
  packet.insert(packet.end(), text.begin(), text.end());
  return packet;
}

/// A UDP socket of the host's loopback.
struct HostSocket {
  HostSocket() : fd(socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in address{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
    port = ntohs(address.sin_port);
  }
  ~HostSocket() { close(fd); }
  std::string receive(sockaddr_in& from) const {
    char text[100];
    socklen_t length = sizeof from;
    const ssize_t count =
        recvfrom(fd, text, sizeof text, MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), &length);
    return count < 0 ? "(nothing)" : std::string(text, static_cast<std::size_t>(count));
  }
  void send(const sockaddr_in& to, std::string_view text) const {
    EXPECT_EQ(sendto(fd, text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to),
              static_cast<ssize_t>(text.size()));
  }
  int fd;
  u16 port = 0;
};

struct UserNetworkTest : ::testing::Test {
  FakeClock clock;
  std::vector<Bytes> received;

  std::unique_ptr<UserNetwork> make(const std::vector<HostForward>& forwards = {}) {
    auto network = std::make_unique<UserNetwork>(clock, forwards);
    network->set_receiver(
        [this](std::span<const u8> frame) { received.emplace_back(frame.begin(), frame.end()); });
    return network;
  }
  /// Frames of `type` that come within a second of the host's.
  const Bytes* wait_for(UserNetwork& network, u16 type) {
    for (int tries = 0; tries < 100; ++tries) {
      for (const Bytes& frame : received) {
        if (get16(frame, 12) == type) {
          return &frame;
        }
      }
      network.wait(10);
      clock.advance_to(clock.now_ns() + 10'000'000);
    }
    return nullptr;
  }
};

TEST_F(UserNetworkTest, GatewayAnswersArpAtOnce) {
  auto network = make();
  const u8 broadcast[6] = {255, 255, 255, 255, 255, 255}, nobody[6] = {};
  network->send(ethernet(broadcast, 0x0806, arp(1, nobody, kHostIp)));
  ASSERT_EQ(received.size(), 1u);
  EXPECT_EQ(get16(received[0], 20), 2u);  // a reply
  EXPECT_EQ(Bytes(received[0].begin() + 28, received[0].begin() + 32), Bytes(kHostIp, kHostIp + 4));
  EXPECT_FALSE(network->awaits_peers());
}

TEST_F(UserNetworkTest, GuestReachesTheHostsLoopbackAndIsAnswered) {
  auto network = make();
  HostSocket host;
  const u8 gateway[6] = {0x52, 0x55, 10, 0, 2, 2}, nobody[6] = {};
  network->send(ethernet(gateway, 0x0806, arp(1, nobody, kHostIp)));
  received.clear();
  network->send(ethernet(gateway, 0x0800, udp(5000, host.port, "ping")));
  sockaddr_in from{};
  EXPECT_EQ(host.receive(from), "ping");
  EXPECT_TRUE(network->awaits_peers());
  host.send(from, "pong");
  const Bytes* answer = wait_for(*network, 0x0800);
  ASSERT_NE(answer, nullptr);
  EXPECT_EQ(get16(*answer, 34), host.port);
  EXPECT_EQ(get16(*answer, 36), 5000u);
  EXPECT_EQ(std::string(answer->begin() + 42, answer->begin() + 46), "pong");
}

TEST_F(UserNetworkTest, ForwardedPortLeadsToTheGuest) {
  u16 port = 0;
  { port = HostSocket().port; }  // free a moment ago
  auto network = make({{HostForward::Protocol::kUdp, "127.0.0.1", port, "", 7}});
  EXPECT_TRUE(network->awaits_peers());
  HostSocket peer;
  peer.send(
      {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}},
      "hello");
  const Bytes* question = wait_for(*network, 0x0806);  // the gateway asks who 10.0.2.15 is
  ASSERT_NE(question, nullptr);
  const Bytes gateway(question->begin() + 6, question->begin() + 12);
  network->send(ethernet(gateway, 0x0806, arp(2, gateway, kHostIp)));
  const Bytes* datagram = wait_for(*network, 0x0800);
  ASSERT_NE(datagram, nullptr);
  EXPECT_EQ(get16(*datagram, 36), 7u);
  EXPECT_EQ(std::string(datagram->begin() + 42, datagram->begin() + 47), "hello");
}

TEST_F(UserNetworkTest, TakenPortsAndBadAddressesAreRefusedByName) {
  HostSocket taken;
  try {
    make({{HostForward::Protocol::kUdp, "127.0.0.1", taken.port, "", 7}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kFile);
    EXPECT_NE(std::string(error.what()).find("udp:127.0.0.1:" + std::to_string(taken.port) + ": "),
              std::string::npos);
    EXPECT_NE(std::string(error.what()).find("in use"), std::string::npos) << error.what();
  }
  EXPECT_THROW(make({{HostForward::Protocol::kTcp, "localhost", 0, "", 7}}), Error);
}

TEST_F(UserNetworkTest, GarbageIsIgnored) {
  auto network = make();
  Bytes frame(60);
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::iota(frame.begin(), frame.end(), static_cast<u8>(seed));
    const u16 types[] = {0x0800, 0x0806, 0x86dd, 0x88e1};
    frame[12] = static_cast<u8>(types[seed % 4] >> 8);
    frame[13] = static_cast<u8>(types[seed % 4]);
    frame[14] = 0x45;
    network->send(frame);
  }
  network->poll();
}

}  // namespace
}  // namespace quire::testing
