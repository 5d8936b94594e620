// The terminal as the guest's console: every key goes to the guest, but for an escape that ends the run.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "emu/cli/terminal_mode.h"
#include "quire/machine.h"
#include "quire/streams.h"

namespace quire::cli {

/// What was typed and the guest has not read yet.
class TerminalInput final : public ByteSource {
 public:
  ReadResult read(std::span<std::uint8_t> out) override;
  bool wait(int timeout_ms) override;

  void push(std::uint8_t byte);
  void close();

 private:
  std::mutex mutex_;  ///< guards the rest
  std::condition_variable changed_;
  std::deque<std::uint8_t> keys_;
  bool closed_ = false;
};

/// Ctrl-A x ends the run; Ctrl-A twice, or Ctrl-A a, is one Ctrl-A; Ctrl-A and any other key is that key.
class EscapeFilter {
 public:
  enum class Action { kNone, kSend, kQuit };
  /// What to do with `key`; with kSend, it is to be sent.
  Action take(std::uint8_t& key);

 private:
  bool escaped_ = false;
};

/// In force during its life, of which there is one at a time: standard input is in raw mode, and a thread
/// hands what is typed to `input`. That the thread reads whether or not the guest does is what makes the
/// escape work in a guest that hangs.
class RawTerminal {
 public:
  RawTerminal(Machine& machine, std::shared_ptr<TerminalInput> input);
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  void read_keys();

  Machine& machine_;
  std::shared_ptr<TerminalInput> input_;
  TerminalMode mode_;
  int stop_fd_;  ///< readable when the thread is to end
  std::thread reader_;
};

}  // namespace quire::cli
