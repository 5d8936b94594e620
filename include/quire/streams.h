// Byte streams of the host: file descriptors and memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "quire/byte_stream.h"
#include "quire/error.h"

namespace quire {

/// Reads a file descriptor (not owned). A regular file never answers kNotYet.
class FdSource : public ByteSource {
 public:
  explicit FdSource(int fd) : fd_(fd) {}
  ReadResult read(std::span<std::uint8_t> out) override;
  bool wait(int timeout_ms) override;
  /// Of a regular file, its offset; Error(kFile) when the host will not go back to it.
  void transfer(StateArchive& archive) override;

 private:
  bool ready(int timeout_ms) const;

  int fd_;
  bool ended_ = false;
};

/// Thrown by FdSink when the reader of a pipe or socket has gone.
class ReaderGone : public Error {
 public:
  using Error::Error;
};

/// Thrown by FdSink when it gave up on a reader that takes nothing.
class ReaderStalled : public Error {
 public:
  using Error::Error;
};

/// Writes a file descriptor (not owned) at once. Throws Error(kFile), naming `name`, when the host refuses.
class FdSink : public ByteSink {
 public:
  /// While the descriptor takes nothing, `give_up` is asked ten times a second and after every signal;
  /// without one, write() waits as long as it takes.
  FdSink(int fd, std::string name, std::function<bool()> give_up = {})
      : fd_(fd), name_(std::move(name)), give_up_(std::move(give_up)) {}
  void write(std::span<const std::uint8_t> data) override;

 private:
  void wait_until_writable() const;

  int fd_;
  std::string name_;
  std::function<bool()> give_up_;
};

/// What the host has put in so far. Empty and not closed means "not yet"; nobody waits for more, so a guest
/// that needs it stops the run as idle. Any thread may push.
class BufferSource : public ByteSource {
 public:
  void push(std::span<const std::uint8_t> data);
  void close();
  bool closed() const;
  std::size_t pending_bytes() const;

  ReadResult read(std::span<std::uint8_t> out) override;
  bool wait(int timeout_ms) override;
  void transfer(StateArchive& archive) override;

 private:
  mutable std::mutex mutex_;  ///< guards the rest
  std::deque<std::uint8_t> data_;
  bool closed_ = false;
};

/// Keeps what the guest has written: all of it, or the last `limit_bytes`. Any thread may look. Offsets count
/// from the first byte ever written.
class BufferSink : public ByteSink {
 public:
  explicit BufferSink(std::size_t limit_bytes = SIZE_MAX) : limit_bytes_(limit_bytes) {}
  void write(std::span<const std::uint8_t> data) override;
  void transfer(StateArchive& archive) override;

  std::string contents() const;
  /// What came since the last take().
  std::string take();
  std::uint64_t written_bytes() const;
  /// Bytes that are not kept any more.
  std::uint64_t dropped_bytes() const;
  /// What was written from an offset on, as far as it is kept.
  std::string since(std::uint64_t offset) const;
  bool holds(std::string_view text, std::uint64_t offset) const;

  /// Calls `found`, within the write, when `text` has been written as a whole from `offset` on; once. Any
  /// number of texts may be watched for.
  void watch(std::string text, std::uint64_t offset, std::function<void()> found);
  /// For any of them.
  void stop_watching();

 private:
  struct Watch {
    std::string text;
    std::uint64_t from;
    std::function<void()> found;
  };

  std::size_t surplus() const { return data_.size() > limit_bytes_ ? data_.size() - limit_bytes_ : 0; }
  bool found_since(const Watch& watch, std::size_t fresh_bytes) const;

  const std::size_t limit_bytes_;
  mutable std::mutex mutex_;  ///< guards the rest
  std::string data_;
  std::size_t taken_bytes_ = 0;
  std::uint64_t trimmed_bytes_ = 0;  ///< of what came before data_
  std::vector<Watch> watches_;
};

}  // namespace quire
