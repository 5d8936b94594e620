#include "emu/debug/gdb_packet.h"

#include <utility>

#include "emu/debug/hex.h"

namespace quire::debug {
namespace {

constexpr char kCtrlC = 3;
constexpr char kEscape = '}';
constexpr char kEscapeBit = 0x20;

}  // namespace

void PacketParser::feed(std::span<const std::uint8_t> bytes) {
  for (const std::uint8_t byte : bytes) feed_byte(static_cast<char>(byte));
}

std::optional<Incoming> PacketParser::next() {
  if (ready_.empty()) return std::nullopt;
  Incoming first = std::move(ready_.front());
  ready_.pop_front();
  return first;
}

void PacketParser::feed_byte(char byte) {
  switch (state_) {
    case State::kIdle:
      feed_idle(byte);
      break;
    case State::kPayload:
    case State::kEscaped:
      feed_payload(byte);
      break;
    case State::kChecksumHigh:
      high_digit_ = hex_digit(byte);
      state_ = State::kChecksumLow;
      break;
    case State::kChecksumLow:
      finish(hex_digit(byte));
      state_ = State::kIdle;
      break;
  }
}

void PacketParser::feed_idle(char byte) {
  switch (byte) {
    case '$':
      payload_.clear();
      sum_ = 0;
      too_long_ = false;
      state_ = State::kPayload;
      break;
    case '+':
      ready_.push_back({Incoming::Kind::kAck, {}});
      break;
    case '-':
      ready_.push_back({Incoming::Kind::kNak, {}});
      break;
    case kCtrlC:
      ready_.push_back({Incoming::Kind::kInterrupt, {}});
      break;
    default:
      break;
  }
}

void PacketParser::feed_payload(char byte) {
  if (byte == '#') {
    state_ = State::kChecksumHigh;
    return;
  }
  if (byte == '$') {  // never within a packet: the one before was cut off
    state_ = State::kIdle;
    feed_idle(byte);
    return;
  }
  sum_ = static_cast<std::uint8_t>(sum_ + static_cast<std::uint8_t>(byte));
  if (state_ == State::kEscaped) {
    append(static_cast<char>(byte ^ kEscapeBit));
    state_ = State::kPayload;
  } else if (byte == kEscape) {
    state_ = State::kEscaped;
  } else {
    append(byte);
  }
}

void PacketParser::append(char byte) {
  if (payload_.size() == kMaxPacketBytes) {
    too_long_ = true;
  } else {
    payload_ += byte;
  }
}

void PacketParser::finish(int low_digit) {
  const bool good =
      !too_long_ && high_digit_ >= 0 && low_digit >= 0 && (high_digit_ << 4 | low_digit) == sum_;
  if (good) {
    ready_.push_back({Incoming::Kind::kPacket, std::move(payload_)});
  } else {
    ready_.push_back({Incoming::Kind::kDamaged, {}});
  }
  payload_.clear();
}

std::string frame(std::string_view payload) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "$";
  std::uint8_t sum = 0;
  const auto put = [&](char byte) {
    text += byte;
    sum = static_cast<std::uint8_t>(sum + static_cast<std::uint8_t>(byte));
  };
  for (const char byte : payload) {
    if (byte == '#' || byte == '$' || byte == kEscape || byte == '*') {
      put(kEscape);
      put(static_cast<char>(byte ^ kEscapeBit));
    } else {
      put(byte);
    }
  }
  return text + '#' + kDigits[sum >> 4] + kDigits[sum & 15];
}

}  // namespace quire::debug
