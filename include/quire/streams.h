// Byte streams of the host: file descriptors and memory.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
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

/// Keeps what the guest has written: all of it, or the last `limit_bytes`. Any thread may look.
class BufferSink : public ByteSink {
 public:
  explicit BufferSink(std::size_t limit_bytes = SIZE_MAX) : limit_bytes_(limit_bytes) {}
  void write(std::span<const std::uint8_t> data) override;
  void transfer(StateArchive& archive) override;

  std::string contents() const;
  /// What came since the last take().
  std::string take();

 private:
  const std::size_t limit_bytes_;
  mutable std::mutex mutex_;  ///< guards the rest
  std::string data_;
  std::size_t taken_bytes_ = 0;
};

}  // namespace quire
