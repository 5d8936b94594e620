// Ctrl-C: the first stops the machine's run, so that it can still be reported on; the second ends quire.
// On a terminal that is lent to the guest (host_terminal.h) one by itself goes to the guest, and two within a
// second count as the first here.
#pragma once

#include <csignal>

#include "quire/machine.h"

namespace quire::cli {

/// In force during its life. One at a time.
class InterruptGuard {
 public:
  explicit InterruptGuard(Machine& machine);
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  static bool interrupted();

 private:
  struct sigaction previous_;
};

}  // namespace quire::cli
