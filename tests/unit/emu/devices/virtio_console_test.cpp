#include "emu/devices/virtio_console.h"

#include <gtest/gtest.h>

#include "tests/unit/emu/devices/virtio_driver.h"

namespace quire::testing {
namespace {

constexpr u32 kRx0 = 0, kTx0 = 1, kCtlRx = 2, kCtlTx = 3, kTx1 = 5, kRx3 = 8;
constexpr u32 kBufferBytes = 64;

struct ConsoleTest : ::testing::Test {
  FakeRam ram{16 << 20};
  FakeIrq irq;
  FakeClock clock;
  std::shared_ptr<TextSource> input = std::make_shared<TextSource>();
  std::shared_ptr<TextSource> control = std::make_shared<TextSource>();
  std::shared_ptr<TextSink> output = std::make_shared<TextSink>();
  VirtioConsole* console = new VirtioConsole({{"in", nullptr, input},
                                              {"out", output, nullptr},
                                              {"err", nullptr, nullptr},
                                              {"control", nullptr, control}});
  VirtioMmio device{std::unique_ptr<VirtioDevice>(console), ram, irq, clock};
  VirtioDriver driver{device, ram};

  struct Message {
    u32 id;
    vio::ConsoleEvent event;
    u16 value;
    std::string text;
    bool operator==(const Message&) const = default;
  };

  void start(u64 features = vio::kFeatureVersion1 | vio::kConsoleFeatureMultiport) {
    ASSERT_TRUE(driver.negotiate(features));
    for (u32 queue = 0; queue < console->queue_count(); ++queue) {
      driver.set_up(queue, 16);
    }
    driver.go();
  }
  u64 post(u32 queue, u32 len_bytes = kBufferBytes) {
    const u64 buffer = driver.allocate(len_bytes);
    driver.submit(queue, {{buffer, len_bytes, vio::kDescWrite, 0}});
    driver.notify(queue);
    return buffer;
  }
  void send(u32 queue, std::string_view text) {
    const u64 buffer = driver.allocate(text.size());
    ram.put_text(buffer, text);
    driver.submit(queue, {{buffer, static_cast<u32>(text.size()), 0, 0}});
    driver.notify(queue);
  }
  void tell(u32 id, vio::ConsoleEvent event, u16 value) {
    const vio::ConsoleControl message{id, event, value};
    send(kCtlTx, {reinterpret_cast<const char*>(&message), sizeof message});
  }
  /// Everything given back in `queue` since the last call, one string a buffer.
  std::vector<std::string> taken(u32 queue) {
    std::vector<std::string> result;
    DriverQueue& q = driver.queues[queue];
    for (; q.used_seen != driver.used_idx(queue); ++q.used_seen) {
      const vio::UsedElem elem = driver.used(queue, q.used_seen);
      result.push_back(ram.text(ram.get<vio::Desc>(q.desc + elem.id * 16).addr, elem.len));
    }
    return result;
  }
  std::vector<Message> messages() {
    std::vector<Message> result;
    for (const std::string& bytes : taken(kCtlRx)) {
      vio::ConsoleControl head;
      std::memcpy(&head, bytes.data(), sizeof head);
      result.push_back({head.id, head.event, head.value, bytes.substr(sizeof head)});
    }
    return result;
  }
  void post_control(int count) {
    for (int i = 0; i < count; ++i) {
      post(kCtlRx);
    }
  }
  /// Up to the point where an application has opened `port`.
  void open(u32 port) {
    start();
    post_control(16);
    tell(0, vio::ConsoleEvent::kDeviceReady, 1);
    tell(port, vio::ConsoleEvent::kPortReady, 1);
    tell(port, vio::ConsoleEvent::kPortOpen, 1);
    messages();
  }
};

TEST_F(ConsoleTest, OffersFourPortsOnTenQueues) {
  EXPECT_EQ(driver.reg(vio::kRegDeviceId), 3u);
  EXPECT_EQ(device.read(0x104, 4), 4u);
  driver.set_reg(vio::kRegQueueSel, 9);
  EXPECT_NE(driver.reg(vio::kRegQueueNumMax), 0u);
  driver.set_reg(vio::kRegQueueSel, 10);
  EXPECT_EQ(driver.reg(vio::kRegQueueNumMax), 0u);
}

TEST_F(ConsoleTest, AnnouncesPortsWhenTheDriverIsReady) {
  start();
  post_control(8);
  EXPECT_TRUE(messages().empty());
  tell(0, vio::ConsoleEvent::kDeviceReady, 1);
  const auto got = messages();
  ASSERT_EQ(got.size(), 4u);
  for (u32 id = 0; id < 4; ++id) {
    EXPECT_EQ(got[id].id, id);
    EXPECT_EQ(got[id].event, vio::ConsoleEvent::kPortAdd);
  }
}

TEST_F(ConsoleTest, NamesAndOpensAPortThatIsReady) {
  start();
  post_control(8);
  tell(3, vio::ConsoleEvent::kPortReady, 1);
  const std::vector<Message> expected = {{3, vio::ConsoleEvent::kPortName, 1, "control"},
                                         {3, vio::ConsoleEvent::kPortOpen, 1, ""}};
  EXPECT_EQ(messages(), expected);
}

TEST_F(ConsoleTest, MessagesWaitForBuffers) {
  start();
  tell(0, vio::ConsoleEvent::kDeviceReady, 1);
  EXPECT_TRUE(messages().empty());
  post_control(3);
  EXPECT_EQ(messages().size(), 3u);
  post_control(3);
  EXPECT_EQ(messages().size(), 1u);
}

TEST_F(ConsoleTest, RepeatedReadyDoesNotPileUp) {
  start();
  for (int i = 0; i < 1000; ++i) {
    tell(1, vio::ConsoleEvent::kPortReady, 1);
  }
  post_control(8);
  EXPECT_EQ(messages().size(), 2u);
}

TEST_F(ConsoleTest, FailedDriverIsToldNothing) {
  start();
  post_control(8);
  tell(0, vio::ConsoleEvent::kDeviceReady, 0);
  tell(1, vio::ConsoleEvent::kPortReady, 0);
  tell(77, vio::ConsoleEvent::kPortReady, 1);
  EXPECT_TRUE(messages().empty());
  EXPECT_FALSE(driver.broken());
}

TEST_F(ConsoleTest, OutputReachesThePortsSink) {
  open(1);
  const u64 buffer = driver.allocate(64);
  ram.put_text(buffer, "hello, world");
  driver.submit(kTx1, {{buffer, 5, 0, 0}, {buffer + 5, 7, 0, 0}});
  driver.notify(kTx1);
  EXPECT_EQ(output->text, "hello, world");
  EXPECT_EQ(driver.used(kTx1, 0).len, 0u);
  send(kTx0, "dropped");
  EXPECT_EQ(output->text, "hello, world");
  EXPECT_FALSE(driver.broken());
}

TEST_F(ConsoleTest, LongOutputIsWhole) {
  open(1);
  std::string text(300'000, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) {
    text[i] = static_cast<char>('a' + i % 23);
  }
  send(kTx1, text);
  EXPECT_EQ(output->text, text);
}

TEST_F(ConsoleTest, InputWaitsUntilThePortIsOpen) {
  input->feed("early");
  start();
  post_control(8);
  post(kRx0);
  tell(0, vio::ConsoleEvent::kPortReady, 1);
  console->poll_inputs();
  EXPECT_TRUE(taken(kRx0).empty());
  EXPECT_FALSE(console->wants_input(0));
  tell(0, vio::ConsoleEvent::kPortOpen, 1);
  EXPECT_EQ(taken(kRx0), std::vector<std::string>{"early"});
}

TEST_F(ConsoleTest, InputFillsBuffersAsTheyArePosted) {
  input->feed("0123456789");
  open(0);
  post(kRx0, 4);
  post(kRx0, 4);
  EXPECT_EQ(taken(kRx0), (std::vector<std::string>{"0123", "4567"}));
  EXPECT_EQ(input->unread(), 2u);
  post(kRx0, 4);
  EXPECT_EQ(taken(kRx0), std::vector<std::string>{"89"});
}

TEST_F(ConsoleTest, LateInputComesWithPolling) {
  open(0);
  post(kRx0);
  EXPECT_TRUE(console->wants_input(0));
  console->poll_inputs();
  EXPECT_TRUE(taken(kRx0).empty());
  driver.set_reg(vio::kRegInterruptAck, 3);
  input->feed("now");
  console->poll_inputs();
  EXPECT_EQ(taken(kRx0), std::vector<std::string>{"now"});
  EXPECT_TRUE(irq.asserted);
  EXPECT_FALSE(console->wants_input(0));  // no buffer is left
}

TEST_F(ConsoleTest, EndOfInputClosesThePortAfterTheLastByte) {
  input->feed("last");
  input->close();
  open(0);
  post(kRx0);
  EXPECT_EQ(taken(kRx0), std::vector<std::string>{"last"});
  EXPECT_TRUE(messages().empty());
  post(kRx0);
  EXPECT_TRUE(taken(kRx0).empty());
  const std::vector<Message> closed = {{0, vio::ConsoleEvent::kPortOpen, 0, ""}};
  EXPECT_EQ(messages(), closed);
  post(kRx0);
  console->poll_inputs();
  EXPECT_TRUE(messages().empty());
  EXPECT_FALSE(console->wants_input(0));
}

TEST_F(ConsoleTest, ClosedPortGetsNothing) {
  open(3);
  tell(3, vio::ConsoleEvent::kPortOpen, 0);
  control->feed("x");
  post(kRx3);
  EXPECT_TRUE(taken(kRx3).empty());
  tell(3, vio::ConsoleEvent::kPortOpen, 1);
  EXPECT_EQ(taken(kRx3), std::vector<std::string>{"x"});
}

TEST_F(ConsoleTest, WithoutMultiportPortZeroIsOpen) {
  input->feed("plain");
  start(vio::kFeatureVersion1);
  post(kRx0);
  EXPECT_EQ(taken(kRx0), std::vector<std::string>{"plain"});
}

TEST_F(ConsoleTest, DriverResetClosesPorts) {
  open(0);
  start();
  input->feed("x");
  post(kRx0);
  EXPECT_TRUE(taken(kRx0).empty());
}

TEST_F(ConsoleTest, ShortControlBuffersBreakIt) {
  start();
  tell(0, vio::ConsoleEvent::kDeviceReady, 1);
  post(kCtlRx, 7);
  EXPECT_TRUE(driver.broken());
}

TEST_F(ConsoleTest, WritableTransmitBufferBreaksIt) {
  start();
  driver.submit(kTx0, {{FakeRam::kBase, 4, vio::kDescWrite, 0}});
  driver.notify(kTx0);
  EXPECT_TRUE(driver.broken());
}

TEST_F(ConsoleTest, InputIntoWhatIsNotRamBreaksIt) {
  input->feed("x");
  open(0);
  driver.submit(kRx0, {{0x1000, 4, vio::kDescWrite, 0}});
  driver.notify(kRx0);
  EXPECT_TRUE(driver.broken());
}

// --- bounded work -----------------------------------------------------------------------------------

struct CountingSink final : ByteSink {
  void write(std::span<const u8> data) override { count_bytes += data.size(); }
  u64 count_bytes = 0;
};

struct FloodTest : ::testing::Test {
  FakeRam ram{16 << 20};
  FakeIrq irq;
  FakeClock clock;
  std::shared_ptr<CountingSink> sink = std::make_shared<CountingSink>();
  VirtioMmio device{
      std::make_unique<VirtioConsole>(std::vector<VirtioConsole::PortBackend>{{"out", sink, nullptr}}), ram,
      irq, clock};
  VirtioDriver driver{device, ram};
  static constexpr u32 kPieceBytes = 8 << 20;
  static constexpr u32 kPieces = 16;
  static constexpr u64 kChainBytes = u64{kPieceBytes} * kPieces;

  FloodTest() {
    EXPECT_TRUE(driver.negotiate(vio::kFeatureVersion1));
    driver.set_up(kTx0, kPieces);
    driver.go();
  }
  /// The same RAM again and again: as much as the rules allow.
  void flood() {
    driver.submit(kTx0,
                  std::vector<vio::Desc>(kPieces, vio::Desc{FakeRam::kBase + (8 << 20), kPieceBytes, 0, 0}));
    driver.notify(kTx0);
  }
};

TEST_F(FloodTest, OneNotificationDoesABurstOfWorkAtMost) {
  flood();
  EXPECT_LE(sink->count_bytes, WorkBudget::kBurst + (64 << 10));
  EXPECT_GE(sink->count_bytes, WorkBudget::kBurst / 2);
  EXPECT_EQ(driver.used_idx(kTx0), 0u);
  const u64 before = sink->count_bytes;
  for (int i = 0; i < 1000; ++i) {
    driver.notify(kTx0);
  }
  EXPECT_EQ(sink->count_bytes, before);
  EXPECT_EQ(clock.event_count(), 1u);
}

TEST_F(FloodTest, TheRestFollowsWithTimeAndNothingIsLost) {
  flood();
  u64 last = sink->count_bytes;
  while (clock.event_count() > 0) {
    clock.advance_to(clock.next_deadline());
    EXPECT_LE(sink->count_bytes - last, WorkBudget::kReopen + (64 << 10));
    last = sink->count_bytes;
  }
  EXPECT_EQ(sink->count_bytes, kChainBytes);
  EXPECT_EQ(driver.used_idx(kTx0), 1u);
  EXPECT_TRUE(irq.asserted);
  EXPECT_FALSE(driver.broken());
}

TEST_F(FloodTest, AResetEndsIt) {
  flood();
  driver.set_reg(vio::kRegStatus, 0);
  EXPECT_EQ(clock.event_count(), 0u);
  const u64 before = sink->count_bytes;
  clock.advance_to(1'000'000'000);
  EXPECT_EQ(sink->count_bytes, before);
}

TEST_F(FloodTest, AResetDoesNotFillTheBudget) {
  flood();
  const u64 before = sink->count_bytes;
  ASSERT_TRUE(driver.negotiate(vio::kFeatureVersion1));
  driver.set_up(kTx0, kPieces);
  driver.go();
  flood();
  EXPECT_EQ(sink->count_bytes, before);
}

TEST_F(FloodTest, AChainMadeShorterMeanwhileBreaksIt) {
  flood();
  driver.put_desc(kTx0, 0, {FakeRam::kBase, 1, 0, 0});
  clock.advance_to(1'000'000'000);
  EXPECT_TRUE(driver.broken());
}

TEST_F(FloodTest, AQueueSetUpAnewStartsAtTheChainsBeginning) {
  flood();
  const u64 before = sink->count_bytes;
  driver.set_reg(vio::kRegQueueSel, kTx0);
  driver.set_reg(vio::kRegQueueReady, 0);
  driver.set_up(kTx0, kPieces);
  driver.submit(kTx0, {{FakeRam::kBase, 100, 0, 0}});
  clock.advance_to(1'000'000'000);
  driver.notify(kTx0);
  EXPECT_EQ(sink->count_bytes, before + 100);
  EXPECT_FALSE(driver.broken());
}

}  // namespace
}  // namespace quire::testing
