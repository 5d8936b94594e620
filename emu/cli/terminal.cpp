// Raw mode and its undoing; see terminal.h.
#include "emu/cli/terminal.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

#include "quire/error.h"

namespace quire::cli {
namespace {

constexpr std::uint8_t kCtrlA = 0x01;

// For signal handlers: `found` is written before the flag is set.
termios found;
std::atomic<bool> is_raw = false;
static_assert(std::atomic<bool>::is_always_lock_free);

constexpr int kEndingSignals[] = {SIGHUP, SIGTERM, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

void restore_and_die(int signo) {
  restore_terminal();
  ::raise(signo);  // SA_RESETHAND: this time as the system does it
}

void catch_ending_signals(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigemptyset(&action.sa_mask);
  for (const int signo : kEndingSignals) {
    ::sigaction(signo, &action, nullptr);
  }
}

void enter_raw_mode() {
  if (::tcgetattr(STDIN_FILENO, &found) != 0) {
    throw Error(ErrorKind::kFile, fmt::format("the terminal cannot be set up: {}", std::strerror(errno)));
  }
  termios raw = found;
  ::cfmakeraw(&raw);
  raw.c_oflag |= OPOST;  // firmware and our own messages end lines with LF alone
  catch_ending_signals(restore_and_die);
  is_raw = true;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

}  // namespace

void restore_terminal() noexcept {
  if (is_raw.exchange(false)) {
    ::tcsetattr(STDIN_FILENO, TCSANOW, &found);
  }
}

ReadResult TerminalInput::read(std::span<std::uint8_t> out) {
  const std::lock_guard lock(mutex_);
  const std::size_t count = std::min(out.size(), keys_.size());
  if (count == 0) {
    return {closed_ && keys_.empty() ? ReadStatus::kEnd : ReadStatus::kNotYet, 0};
  }
  std::copy_n(keys_.begin(), count, out.begin());
  keys_.erase(keys_.begin(), keys_.begin() + static_cast<std::ptrdiff_t>(count));
  return {ReadStatus::kData, count};
}

bool TerminalInput::wait(int timeout_ms) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                    [this] { return !keys_.empty() || closed_; });
  return !keys_.empty() || !closed_;
}

void TerminalInput::push(std::uint8_t byte) {
  const std::lock_guard lock(mutex_);
  keys_.push_back(byte);
  changed_.notify_one();
}

void TerminalInput::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_one();
}

EscapeFilter::Action EscapeFilter::take(std::uint8_t& key) {
  if (!escaped_ && key == kCtrlA) {
    escaped_ = true;
    return Action::kNone;
  }
  if (std::exchange(escaped_, false)) {
    if (key == 'x') {
      return Action::kQuit;
    }
    if (key == 'a') {
      key = kCtrlA;
    }
  }
  return Action::kSend;
}

RawTerminal::RawTerminal(Machine& machine, std::shared_ptr<TerminalInput> input)
    : machine_(machine), input_(std::move(input)), stop_fd_(::eventfd(0, EFD_CLOEXEC)) {
  if (stop_fd_ < 0) {
    throw Error(ErrorKind::kInternal, fmt::format("eventfd: {}", std::strerror(errno)));
  }
  enter_raw_mode();
  reader_ = std::thread([this] { read_keys(); });
}

RawTerminal::~RawTerminal() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_fd_, &one, sizeof one);
  reader_.join();
  ::close(stop_fd_);
  restore_terminal();
  catch_ending_signals(SIG_DFL);
}

void RawTerminal::read_keys() {
  EscapeFilter filter;
  for (;;) {
    pollfd waiting[2] = {{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                         {.fd = stop_fd_, .events = POLLIN, .revents = 0}};
    if (::poll(waiting, 2, -1) < 0 && errno != EINTR) {
      break;
    }
    if (waiting[1].revents != 0) {
      return;
    }
    if (waiting[0].revents == 0) {
      continue;
    }
    std::uint8_t key;
    const ssize_t count = ::read(STDIN_FILENO, &key, 1);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
      continue;
    }
    if (count <= 0) {
      break;  // the terminal is gone
    }
    switch (filter.take(key)) {
      case EscapeFilter::Action::kNone:
        break;
      case EscapeFilter::Action::kSend:
        input_->push(key);
        break;
      case EscapeFilter::Action::kQuit:
        machine_.request_stop();
        break;
    }
  }
  input_->close();
}

}  // namespace quire::cli
