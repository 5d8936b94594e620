// Changing the terminal and undoing it; see terminal_mode.h.
#include "emu/cli/terminal_mode.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "quire/error.h"

namespace quire::cli {
namespace {

// For signal handlers: `found` is written before the flag is set.
termios found;
std::atomic<bool> is_changed = false;
static_assert(std::atomic<bool>::is_always_lock_free);

// SIGINT too: it has a handler of its own only while the guest runs (emu/cli/interrupt.h).
constexpr int kEndingSignals[] = {SIGINT, SIGHUP, SIGTERM, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};

void restore_and_die(int signo) {
  TerminalMode::restore();
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

[[noreturn]] void fail() {
  throw Error(ErrorKind::kFile, fmt::format("the terminal cannot be set up: {}", std::strerror(errno)));
}

}  // namespace

bool TerminalMode::possible() noexcept {
  // A terminal that does not control this process has no foreground to be out of.
  const pid_t foreground = ::tcgetpgrp(STDIN_FILENO);
  return ::isatty(STDIN_FILENO) == 1 && (foreground < 0 || foreground == ::getpgrp());
}

termios TerminalMode::current() {
  termios settings;
  if (::tcgetattr(STDIN_FILENO, &settings) != 0) {
    fail();
  }
  return settings;
}

TerminalMode::TerminalMode(const termios& wanted) {
  found = current();
  catch_ending_signals(restore_and_die);
  is_changed = true;
  if (::tcsetattr(STDIN_FILENO, TCSADRAIN, &wanted) != 0) {
    const int error = errno;
    is_changed = false;
    catch_ending_signals(SIG_DFL);
    errno = error;
    fail();
  }
}

TerminalMode::~TerminalMode() {
  restore();
  catch_ending_signals(SIG_DFL);
}

void TerminalMode::restore() noexcept {
  if (is_changed.exchange(false)) {
    // Not after draining: nobody may be reading what was written.
    ::tcsetattr(STDIN_FILENO, TCSANOW, &found);
  }
}

}  // namespace quire::cli
