// Keys, the escape and the thread that reads them; see raw_terminal.h.
#include "emu/cli/raw_terminal.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "quire/error.h"

namespace quire::cli {
namespace {

constexpr std::uint8_t kCtrlA = 0x01;

termios raw_settings() {
  termios raw = TerminalMode::current();
  ::cfmakeraw(&raw);
  raw.c_oflag |= OPOST;  // firmware and our own messages end lines with LF alone
  return raw;
}

}  // namespace

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
    : machine_(machine),
      input_(std::move(input)),
      mode_(raw_settings()),
      stop_fd_(::eventfd(0, EFD_CLOEXEC)) {
  if (stop_fd_ < 0) {
    throw Error(ErrorKind::kInternal, fmt::format("eventfd: {}", std::strerror(errno)));
  }
  reader_ = std::thread([this] { read_keys(); });
}

RawTerminal::~RawTerminal() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(stop_fd_, &one, sizeof one);
  reader_.join();
  ::close(stop_fd_);
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
