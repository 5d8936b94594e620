#include "emu/cli/host_terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

namespace quire::cli {
namespace {

constexpr std::uint8_t kInterruptByte = 3;  // what the guest's terminal takes for Ctrl-C
constexpr long kTogetherSeconds = 1;

// Shared with a signal handler, hence plain lock-free atomics.
std::atomic<int> typed_interrupts = 0;
std::atomic<long> last_interrupt_ns = 0;
std::atomic<bool> is_lent = false;
std::atomic<bool> window_changed = false;

long monotonic_ns() {
  struct timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);  // async-signal-safe
  return now.tv_sec * 1'000'000'000L + now.tv_nsec;
}

void on_window_change(int /*signo*/) { window_changed = true; }

std::optional<TerminalWindow> window_now() {
  struct winsize size = {};
  if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) {
    return std::nullopt;
  }
  return TerminalWindow{size.ws_row, size.ws_col};
}

class KeyboardSource : public FdSource {
 public:
  KeyboardSource() : FdSource(STDIN_FILENO) {}
  ReadResult read(std::span<std::uint8_t> out) override {
    if (!out.empty() && typed_interrupts.load() > 0) {
      typed_interrupts--;
      out[0] = kInterruptByte;
      return {ReadStatus::kData, 1};
    }
    return FdSource::read(out);
  }
  std::optional<TerminalWindow> take_window() override {
    return window_changed.exchange(false) ? window_now() : std::nullopt;
  }
};

}  // namespace

HostTerminal::HostTerminal(Lend lend) {
  for (int stream = 0; stream < 3; stream++) {
    is_terminal_[stream] = ::isatty(stream) == 1;
  }
  if (lend == Lend::kNo || !TerminalMode::possible()) {
    return;
  }
  termios lent = TerminalMode::current();
  ::cfmakeraw(&lent);
  // Without NOFLSH, Ctrl-C would take away what was typed before it, under the feet of a read.
  lent.c_lflag |= ISIG | NOFLSH;
  lent.c_cc[VINTR] = kInterruptByte;
  for (const int character : {VQUIT, VSUSP}) {
    lent.c_cc[character] = _POSIX_VDISABLE;
  }
  typed_interrupts = 0;
  last_interrupt_ns = 0;
  mode_.emplace(lent);
  is_lent = true;
  source_ = std::make_shared<KeyboardSource>();
  window_changed = false;
  struct sigaction action = {};
  action.sa_handler = on_window_change;  // without SA_RESTART: a wait for keys must come back
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGWINCH, &action, &before_);
}

HostTerminal::~HostTerminal() {
  if (active()) {
    ::sigaction(SIGWINCH, &before_, nullptr);
  }
  is_lent = false;
}

std::string HostTerminal::kernel_options() const {
  std::string streams;
  for (int stream = 0; stream < 3; stream++) {
    if (is_terminal_[stream]) {
      streams += static_cast<char>('0' + stream);
    }
  }
  const TerminalWindow window = window_now().value_or(TerminalWindow{24, 80});
  return fmt::format("quire.tty={} quire.winsize={}x{}", streams, window.rows, window.columns);
}

bool HostTerminal::pass_interrupt_on() {
  if (!is_lent) {
    return false;
  }
  const long now = monotonic_ns();
  const long before = last_interrupt_ns.exchange(now);
  if (before != 0 && now - before < kTogetherSeconds * 1'000'000'000L) {
    return false;
  }
  typed_interrupts++;
  return true;
}

}  // namespace quire::cli
