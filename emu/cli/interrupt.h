// Ctrl-C: the first stops the machine's run, so that it can still be reported on; the second ends quire.
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
