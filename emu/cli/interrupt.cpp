// The SIGINT handler; see interrupt.h. It only stores, and calls what is safe in a handler.
#include "emu/cli/interrupt.h"

#include <unistd.h>

#include <atomic>

#include "emu/cli/host_terminal.h"
#include "emu/cli/terminal_mode.h"

namespace quire::cli {
namespace {

std::atomic<Machine*> running_machine = nullptr;
std::atomic<bool> was_interrupted = false;
static_assert(std::atomic<Machine*>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

constexpr int kInterruptedStatus = 128 + SIGINT;

void on_interrupt(int /*signo*/) {
  if (HostTerminal::pass_interrupt_on()) {
    return;
  }
  if (was_interrupted.exchange(true)) {
    TerminalMode::restore();
    ::_exit(kInterruptedStatus);
  }
  if (Machine* machine = running_machine.load()) {
    machine->request_stop();
  }
}

}  // namespace

InterruptGuard::InterruptGuard(Machine& machine) {
  running_machine = &machine;
  struct sigaction action = {};
  action.sa_handler = on_interrupt;  // without SA_RESTART: a wait for input must come back
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &previous_);
}

InterruptGuard::~InterruptGuard() {
  ::sigaction(SIGINT, &previous_, nullptr);
  running_machine = nullptr;
}

bool InterruptGuard::interrupted() { return was_interrupted; }

}  // namespace quire::cli
