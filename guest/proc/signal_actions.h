// SignalActions: what a process does on each signal; shared by tasks with CLONE_SIGHAND.
#pragma once

#include "guest/lib/ref_ptr.h"
#include "quire/arch/linux/signal.h"

namespace kernel {

enum class DefaultAction : u8 { k_term, k_core, k_ignore, k_stop, k_cont };
DefaultAction default_action(i32 signo);

class SignalActions : public RefCounted<SignalActions> {
 public:
  SigAction& of(i32 signo) { return actions_[signo - 1]; }
  const SigAction& of(i32 signo) const { return actions_[signo - 1]; }
  /// Sent while not blocked, the signal has no effect at all.
  bool ignores(i32 signo) const {
    const u64 handler = of(signo).handler;
    return handler == kSigIgnore ||
           (handler == kSigDefault && default_action(signo) == DefaultAction::k_ignore);
  }
  KResult<RefPtr<SignalActions>> clone() const {
    auto copy = TRY(try_make_ref<SignalActions>());
    for (i32 signo = 1; signo <= kSignalMax; signo++) {
      copy->of(signo) = of(signo);
    }
    return copy;
  }
  /// exec: handlers belong to the old program; what was ignored stays ignored.
  void reset_handlers() {
    for (SigAction& action : actions_) {
      action = {.handler = action.handler == kSigIgnore ? kSigIgnore : kSigDefault, .flags = 0, .mask = 0};
    }
  }
  /// CLONE_CLEAR_SIGHAND.
  void reset_all() {
    for (SigAction& action : actions_) {
      if (action.handler != kSigIgnore) {
        action = {};
      }
    }
  }

 private:
  SigAction actions_[kSignalMax] = {};
};

}  // namespace kernel
