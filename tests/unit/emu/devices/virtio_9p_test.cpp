#include "emu/devices/virtio_9p.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/unit/emu/devices/ninep/client.h"
#include "tests/unit/emu/devices/temp_dir.h"
#include "tests/unit/emu/devices/virtio_driver.h"

namespace quire::testing {
namespace {

class Virtio9pTest : public ::testing::Test {
 protected:
  explicit Virtio9pTest(share::ShareAccess access = share::ShareAccess::kReadOnly) {
    dir.put("hello", "Hello, share!\n");
    device.emplace(std::make_unique<Virtio9p>(dir.path().string(), "tag9", access), ram, irq, clock);
    driver.emplace(*device, ram);
    EXPECT_TRUE(driver->negotiate(driver->offered()));
    driver->set_up(0, 256);
    driver->go();
    request = driver->allocate(64 << 10);
    reply = driver->allocate(128 << 10);
  }

  /// Sends `message` in pieces of `piece_bytes`, and gives what came back.
  std::vector<u8> send(std::span<const u8> message, u32 piece_bytes = 64 << 10, u32 reply_bytes = 128 << 10) {
    ram.put_text(request, {reinterpret_cast<const char*>(message.data()), message.size()});
    std::vector<vio::Desc> parts;
    for (u32 at = 0; at < message.size(); at += piece_bytes) {
      parts.push_back(
          {request + at, std::min<u32>(piece_bytes, static_cast<u32>(message.size()) - at), 0, 0});
    }
    for (u32 at = 0; at < reply_bytes; at += 60 << 10) {
      parts.push_back({reply + at, std::min<u32>(60 << 10, reply_bytes - at), vio::kDescWrite, 0});
    }
    const u16 used_at = driver->used_idx(0);
    driver->submit(0, parts);
    driver->notify(0);
    EXPECT_EQ(driver->used_idx(0), static_cast<u16>(used_at + 1));
    const std::string text = ram.text(reply, driver->used(0, used_at).len);
    return {text.begin(), text.end()};
  }

  /// Asks the same 200 times at once; that they may not cost more than `at_most` are answered at once, and
  /// the others as time passes.
  void expect_bounded(std::span<const u8> message, unsigned at_most) {
    constexpr unsigned kTimes = 200;
    ram.put_text(request, {reinterpret_cast<const char*>(message.data()), message.size()});
    driver->put_desc(0, 0, {request, static_cast<u32>(message.size()), vio::kDescNext, 1});
    driver->put_desc(0, 1, {reply, 200, vio::kDescWrite, 0});
    const u16 before = driver->used_idx(0);
    const auto answered = [&] { return static_cast<u16>(driver->used_idx(0) - before); };
    for (unsigned i = 0; i < kTimes; ++i) {
      driver->make_available(0, 0);
    }
    driver->notify(0);
    EXPECT_GT(answered(), 0u);
    EXPECT_LE(answered(), at_most);
    driver->notify(0);
    EXPECT_LE(answered(), at_most);
    for (unsigned i = 0; i < kTimes && clock.event_count() > 0; ++i) {
      clock.advance_to(clock.next_deadline());
    }
    EXPECT_EQ(answered(), kTimes);
    EXPECT_EQ(ram.get<u8>(reply + 4), p9::reply_to(static_cast<p9::Type>(message[4])));
  }

  TempDir dir;
  FakeRam ram;
  FakeIrq irq;
  FakeClock clock;
  std::optional<VirtioMmio> device;
  std::optional<VirtioDriver> driver;
  NinepClient client{[this](std::span<const u8> message) { return send(message, 10); }};
  u64 request = 0, reply = 0;
};

struct Virtio9pWritableTest : Virtio9pTest {
  Virtio9pWritableTest() : Virtio9pTest(share::ShareAccess::kReadWrite) {}
};

TEST_F(Virtio9pTest, ListingsOfLargeDirectoriesAreBounded) {
  constexpr unsigned kFiles = 2000;
  for (unsigned i = 0; i < kFiles; ++i) {
    dir.put("many/" + std::to_string(i), "");
  }
  ASSERT_EQ(client.start(), 0);
  ASSERT_EQ(client.walk_to(1, {"many"}), 0);
  ASSERT_EQ(client.open(1, 0), 0);
  const unsigned at_most = WorkBudget::kBurst / (kFiles * 256) + 1;
  expect_bounded(NinepClient::encode(p9::Type::kReaddir, Fields().u32_(1).u64_(0).u32_(100)), at_most);
}

TEST_F(Virtio9pWritableTest, SyncsAreBounded) {
  ASSERT_EQ(client.start(), 0);
  ASSERT_EQ(client.walk_to(1, {"hello"}), 0);
  ASSERT_EQ(client.open(1, 2), 0);
  expect_bounded(NinepClient::encode(p9::Type::kFsync, Fields().u32_(1).u32_(0)), 32);
}

TEST_F(Virtio9pWritableTest, WritesThatGoToTheDiskAtOnceAreBounded) {
  constexpr u32 kReadWriteDsync = 2 | 0x1000;
  ASSERT_EQ(client.start(), 0);
  ASSERT_EQ(client.walk_to(1, {"hello"}), 0);
  ASSERT_EQ(client.open(1, kReadWriteDsync), 0);
  expect_bounded(NinepClient::encode(p9::Type::kWrite, Fields().u32_(1).u64_(0).u32_(1).raw("H")), 32);
}

TEST_F(Virtio9pTest, TellsItsTag) {
  EXPECT_EQ(driver->reg(vio::kRegDeviceId), 9u);
  EXPECT_EQ(driver->offered() & 0xff'ffff, 1u);
  EXPECT_EQ(device->read(0x100, 2), 4u);
  EXPECT_EQ(device->read(0x102, 4), 0x3967'6174u);  // "tag9"
  EXPECT_EQ(device->read(0x106, 2), 0u);
}

TEST_F(Virtio9pTest, CarriesMessagesInPieces) {
  ASSERT_EQ(client.start(), 0);
  ASSERT_EQ(client.walk_to(1, {"hello"}), 0);
  ASSERT_EQ(client.open(1, 0), 0);
  EXPECT_EQ(client.read_text(1, 0, 100), "Hello, share!\n");
  EXPECT_TRUE(irq.asserted);
  EXPECT_FALSE(driver->broken());
}

TEST_F(Virtio9pTest, ForgetsTheSessionOnlyWithPower) {
  ASSERT_EQ(client.start(), 0);
  device->reset();
  ASSERT_TRUE(driver->negotiate(driver->offered()));
  driver->set_up(0, 16);
  driver->go();
  EXPECT_EQ(client.clunk(0), EPROTO);
}

TEST_F(Virtio9pTest, AnAnswerThatCannotBeGivenIsNotGiven) {
  const auto version = NinepClient::encode(p9::Type::kVersion, Fields().u32_(8192).text("9P2000.L"));
  EXPECT_TRUE(send(version, 100, 10).empty());
  EXPECT_TRUE(send(version, 100, 0).empty());
  EXPECT_TRUE(send({}, 100, 100).empty());
  EXPECT_EQ(send(version, 100, 15).size(), p9::kErrorBytes);
  EXPECT_FALSE(driver->broken());
}

TEST_F(Virtio9pTest, AMessageLongerThanAgreedIsRefused) {
  ASSERT_EQ(client.start(), 0);
  const std::string data(60 << 10, 'x');
  const auto version = NinepClient::encode(p9::Type::kVersion, Fields().u32_(4096).text("9P2000.L"));
  send(version);
  const auto bytes =
      NinepClient::encode(p9::Type::kWrite, Fields().u32_(1).u64_(0).u32_(data.size()).raw(data));
  EXPECT_EQ(send(bytes).size(), p9::kErrorBytes);
}

TEST_F(Virtio9pTest, BuffersOutsideOfRamBreakTheDevice) {
  driver->submit(0, {{0x1000, 64, 0, 0}, {reply, 100, vio::kDescWrite, 0}});
  driver->notify(0);
  EXPECT_TRUE(driver->broken());
}

}  // namespace
}  // namespace quire::testing
