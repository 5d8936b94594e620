#include "emu/devices/virtio_net.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/devices/virtio_driver.h"

namespace quire::testing {
namespace {

constexpr MacAddress kMac = {0x52, 0x54, 0, 1, 2, 3};
constexpr u32 kRx = vio::kNetQueueReceive, kTx = vio::kNetQueueTransmit;

/// Keeps what is sent; gives what poll() is to find; may answer from within send(), as libslirp does.
class FakeNetwork final : public Network {
 public:
  void set_receiver(Receiver receiver) override { receive = std::move(receiver); }
  void send(std::span<const u8> frame) override {
    sent.emplace_back(frame.begin(), frame.end());
    if (!answer.empty()) {
      receive({reinterpret_cast<const u8*>(answer.data()), answer.size()});
    }
  }
  void poll() override {
    for (const std::string& frame : std::exchange(arriving, {})) {
      receive({reinterpret_cast<const u8*>(frame.data()), frame.size()});
    }
  }
  bool awaits_peers() const override { return false; }
  void wait(int) override {}

  Receiver receive;
  std::vector<std::string> sent;
  std::vector<std::string> arriving;
  std::string answer;
};

struct NetTest : ::testing::Test {
  FakeRam ram{8 << 20};
  FakeIrq irq;
  FakeClock clock;
  FakeNetwork* network = new FakeNetwork;
  VirtioNet* net = new VirtioNet(std::unique_ptr<Network>(network), kMac);
  VirtioMmio device{std::unique_ptr<VirtioDevice>(net), ram, irq, clock};
  VirtioDriver driver{device, ram};

  NetTest() { start(); }
  void start() {
    ASSERT_TRUE(driver.negotiate(driver.offered()));
    driver.set_up(kRx, 16);
    driver.set_up(kTx, 16);
    driver.go();
  }
  u64 post(u32 len_bytes = 2048) {
    const u64 buffer = driver.allocate(len_bytes);
    driver.submit(kRx, {{buffer, len_bytes, vio::kDescWrite, 0}});
    driver.notify(kRx);
    return buffer;
  }
  void send(std::string_view frame) {
    const u64 buffer = driver.allocate(12 + frame.size());
    ram.put_text(buffer + 12, frame);
    driver.submit(kTx, {{buffer, static_cast<u32>(12 + frame.size()), 0, 0}});
    driver.notify(kTx);
  }
  static std::string frame(char fill, std::size_t len_bytes = 60) { return std::string(len_bytes, fill); }
};

TEST_F(NetTest, TellsItsAddressAndThatTheLinkIsUp) {
  EXPECT_EQ(device.read(0x100, 2), 0x5452u);
  EXPECT_EQ(device.read(0x104, 2), 0x0302u);
  EXPECT_EQ(device.read(0x106, 2), 1u);
  EXPECT_EQ(device.read(0x10a, 2), 1500u);
  EXPECT_EQ(driver.offered() & 0xff'ffff, (1U << 3) | (1U << 5) | (1U << 16));
}

TEST_F(NetTest, SendsFramesWithoutTheirHeader) {
  send(frame('a'));
  send(frame('b', Network::kMaxFrameBytes));
  ASSERT_EQ(network->sent.size(), 2u);
  EXPECT_EQ(network->sent[0], frame('a'));
  EXPECT_EQ(network->sent[1], frame('b', 1514));
  EXPECT_EQ(driver.used_idx(kTx), 2u);
}

TEST_F(NetTest, FramesOfImpossibleLengthAreDropped) {
  send(frame('a', 13));
  send("");
  send(frame('b', Network::kMaxFrameBytes + 1));
  EXPECT_TRUE(network->sent.empty());
  EXPECT_EQ(driver.used_idx(kTx), 3u);
  EXPECT_FALSE(driver.broken());
}

TEST_F(NetTest, ReceivesIntoTheGuestsBuffersInOrder) {
  const u64 first = post(), second = post();
  network->arriving = {frame('x'), frame('y', 1514)};
  net->poll_inputs();
  EXPECT_EQ(driver.used_idx(kRx), 2u);
  EXPECT_EQ(driver.used(kRx, 0).len, 72u);
  EXPECT_EQ(driver.used(kRx, 1).len, 1526u);
  EXPECT_EQ(ram.text(first, 12), std::string("\0\0\0\0\0\0\0\0\0\0\1\0", 12));
  EXPECT_EQ(ram.text(first + 12, 60), frame('x'));
  EXPECT_EQ(ram.text(second + 12, 1514), frame('y', 1514));
  EXPECT_TRUE(irq.asserted);
}

TEST_F(NetTest, FramesWaitForBuffersAndSurplusIsDropped) {
  for (std::size_t i = 0; i < VirtioNet::kMaxWaiting + 10; ++i) {
    network->arriving.push_back(frame(static_cast<char>(i), 60));
  }
  net->poll_inputs();
  for (std::size_t i = 0; i < VirtioNet::kMaxWaiting; ++i) {
    const u64 buffer = post();
    ASSERT_EQ(driver.used_idx(kRx), i + 1);
    EXPECT_EQ(ram.get<char>(buffer + 12), static_cast<char>(i));
  }
  post();
  EXPECT_EQ(driver.used_idx(kRx), VirtioNet::kMaxWaiting);
}

TEST_F(NetTest, AnswersFromWithinSendArrive) {
  network->answer = frame('r');
  const u64 buffer = post();
  send(frame('q'));
  EXPECT_EQ(driver.used_idx(kRx), 1u);
  EXPECT_EQ(ram.text(buffer + 12, 60), frame('r'));
}

TEST_F(NetTest, NothingReachesADriverThatIsNotThere) {
  driver.set_reg(vio::kRegStatus, 0);
  network->arriving = {frame('x')};
  net->poll_inputs();
  start();
  post();
  EXPECT_EQ(driver.used_idx(kRx), 0u);
}

TEST_F(NetTest, BufferThatHoldsNoFrameBreaksIt) {
  network->arriving = {frame('x', 1514)};
  net->poll_inputs();
  post(1000);
  EXPECT_TRUE(driver.broken());
}

TEST_F(NetTest, ChainsOfTheWrongDirectionBreakIt) {
  const u64 buffer = driver.allocate(4096);
  driver.submit(kTx, {{buffer, 100, vio::kDescWrite, 0}});
  driver.notify(kTx);
  EXPECT_TRUE(driver.broken());
  start();
  network->arriving = {frame('x')};
  net->poll_inputs();
  driver.submit(kRx, {{buffer, 2048, 0, 0}});
  driver.notify(kRx);
  EXPECT_TRUE(driver.broken());
}

TEST_F(NetTest, FrameOutsideOfRamBreaksIt) {
  driver.submit(kTx, {{0x1000, 100, 0, 0}});
  driver.notify(kTx);
  EXPECT_TRUE(driver.broken());
  EXPECT_TRUE(network->sent.empty());
}

}  // namespace
}  // namespace quire::testing
