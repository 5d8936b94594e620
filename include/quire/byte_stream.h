// Byte streams between the host and the guest's consoles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace quire {

class StateArchive;

/// Takes what the guest writes. Never loses bytes: blocks or grows.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void write(std::span<const std::uint8_t> data) = 0;
  /// For sinks that keep what they took, and can be as they were. Others have nothing to save: what is out is
  /// out.
  virtual void transfer(StateArchive& /*archive*/) {}
};

enum class ReadStatus { kData, kNotYet, kEnd };

struct ReadResult {
  ReadStatus status;
  std::size_t count_bytes;  ///< > 0 with kData, else 0
};

/// Of a terminal, in characters.
struct TerminalWindow {
  std::uint16_t rows;
  std::uint16_t columns;
};

/// Gives what the guest reads.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Never blocks. A regular file always answers kData or kEnd, so that its timing repeats.
  virtual ReadResult read(std::span<std::uint8_t> out) = 0;
  /// Waits until read() may answer something else than kNotYet, at most `timeout_ms`; called only while the
  /// guest has nothing else to do. False when nothing will ever come.
  virtual bool wait(int timeout_ms) = 0;
  /// The window of the terminal at this end, once after each change of it. What it was at the start is
  /// nobody's news.
  virtual std::optional<TerminalWindow> take_window() { return std::nullopt; }
  /// For sources that can give again what they gave. Others have nothing to save: what was read is read.
  virtual void transfer(StateArchive& /*archive*/) {}
};

}  // namespace quire
