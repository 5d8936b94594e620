#include "emu/debug/gdb_packet.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace quire::debug {
namespace {

using Kind = Incoming::Kind;

void feed(PacketParser& parser, std::string_view text) {
  parser.feed({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

std::vector<Incoming> all(PacketParser& parser) {
  std::vector<Incoming> found;
  while (auto incoming = parser.next()) found.push_back(*std::move(incoming));
  return found;
}

TEST(GdbPacket, FramesWithTheSumOfWhatIsSent) {
  EXPECT_EQ(frame("OK"), "$OK#9a");
  EXPECT_EQ(frame(""), "$#00");
  EXPECT_EQ(frame("a}#$*"), std::string("$a}\x5d}\x03}\x04}\x0a#") + "c3");
}

TEST(GdbPacket, ReadsBackWhatItFrames) {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte += static_cast<char>(byte);
  PacketParser parser;
  feed(parser, frame(every_byte));
  const auto found = all(parser);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, Kind::kPacket);
  EXPECT_EQ(found[0].payload, every_byte);
}

TEST(GdbPacket, TakesBytesHoweverTheyArrive) {
  PacketParser parser;
  for (const char byte : std::string("+$g#67-\x03$m0,4#fd")) feed(parser, {&byte, 1});
  const auto found = all(parser);
  ASSERT_EQ(found.size(), 5U);
  EXPECT_EQ(found[0].kind, Kind::kAck);
  EXPECT_EQ(found[1].payload, "g");
  EXPECT_EQ(found[2].kind, Kind::kNak);
  EXPECT_EQ(found[3].kind, Kind::kInterrupt);
  EXPECT_EQ(found[4].payload, "m0,4");
}

TEST(GdbPacket, DamageIsToldAndTheNextPacketRead) {
  PacketParser parser;
  feed(parser, "$g#68$g#zz$g#67noise$cut off$g#67");
  const auto found = all(parser);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].kind, Kind::kDamaged);
  EXPECT_EQ(found[1].kind, Kind::kDamaged);
  EXPECT_EQ(found[2].payload, "g");
  EXPECT_EQ(found[3].payload, "g");
}

TEST(GdbPacket, CtrlCWithinAPacketIsData) {
  PacketParser parser;
  feed(parser, frame("X0,1:\x03"));
  const auto found = all(parser);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].payload, "X0,1:\x03");
}

TEST(GdbPacket, TooLongIsDamageNotMemory) {
  PacketParser parser;
  feed(parser, frame(std::string(kMaxPacketBytes, 'a')));
  feed(parser, frame(std::string(kMaxPacketBytes + 1, 'a')));
  const auto found = all(parser);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].payload.size(), kMaxPacketBytes);
  EXPECT_EQ(found[1].kind, Kind::kDamaged);
}

}  // namespace
}  // namespace quire::debug
