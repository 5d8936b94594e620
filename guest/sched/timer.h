// Timers: callbacks at a time of the monotonic clock.
//
// Callbacks run from the timer interrupt, that is from user mode or idle: they may touch kernel
// structures and wake threads, and must not sleep. Invariant: an armed timer is in the tree once;
// the hart's timer is set to the earliest of them and of the running slice.
#pragma once

#include "guest/lib/intrusive.h"

namespace kernel {

class Timer : NonCopyable {
 public:
  using Callback = void (*)(Timer& timer, void* argument);
  Timer(Callback callback, void* argument) : callback_(callback), argument_(argument) {}
  ~Timer() { cancel(); }

  /// Arms or re-arms; a deadline that has passed fires at the next chance.
  void arm(u64 deadline_ns);
  /// Harmless when it is not armed.
  void cancel();
  bool armed() const { return node_.is_linked(); }
  u64 deadline_ns() const { return deadline_ns_; }

  /// For run_due_timers.
  void fire() { callback_(*this, argument_); }

  TreeNode node_;  // public for the intrusive tree only

 private:
  Callback callback_;
  void* argument_;
  u64 deadline_ns_ = 0;
};

/// For the scheduler: fires what is due.
void run_due_timers();
/// ~0 when nothing is armed.
u64 next_timer_deadline();

}  // namespace kernel
