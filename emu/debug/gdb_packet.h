// The framing of gdb's remote protocol: $PAYLOAD#CHECKSUM, acknowledgements and Ctrl-C
// (Debugging with GDB, E.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace quire::debug {

/// Bytes of payload that the stub takes, told to gdb as PacketSize.
inline constexpr std::size_t kMaxPacketBytes = 0x4000;

struct Incoming {
  enum class Kind : std::uint8_t {
    kPacket,
    kDamaged,  ///< wrong checksum or too long: to be sent again
    kAck,
    kNak,        ///< our last one is to be sent again
    kInterrupt,  ///< Ctrl-C
  };
  Kind kind;
  std::string payload;  ///< escapes resolved
};

/// Cuts a stream of bytes, however it arrives, into what it says. Never fails: bytes between packets are
/// skipped, a '$' begins anew.
class PacketParser {
 public:
  void feed(std::span<const std::uint8_t> bytes);
  std::optional<Incoming> next();

 private:
  enum class State : std::uint8_t { kIdle, kPayload, kEscaped, kChecksumHigh, kChecksumLow };
  void feed_byte(char byte);
  void feed_idle(char byte);
  void feed_payload(char byte);
  void append(char byte);
  void finish(int low_digit);

  State state_ = State::kIdle;
  std::string payload_;
  std::uint8_t sum_ = 0;
  int high_digit_ = 0;
  bool too_long_ = false;
  std::deque<Incoming> ready_;
};

/// A packet around `payload`, with what must be escaped escaped.
std::string frame(std::string_view payload);

}  // namespace quire::debug
