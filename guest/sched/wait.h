// WaitQueue: threads that sleep until something happens.
//
//   TRY(wait_event_interruptible(pipe.readers, [&] { return !pipe.empty() || pipe.closed(); }));
//
// The predicate is evaluated before sleeping and after each wake-up; kernel code is not preempted, so
// nothing happens between the last look and the sleep. Wake-ups are in order of arrival.
#pragma once

#include "guest/lib/result.h"
#include "guest/sched/thread.h"

namespace kernel {

enum class Interruptible : u8 { kNo, kYes };
inline constexpr u64 kNoDeadline = ~u64{0};

class WaitQueue : NonCopyable {
 public:
  ~WaitQueue() { ASSERT(waiters_.empty()); }

  /// Sleeps until woken: EINTR when interruptible and the thread has an interrupt requested, ETIMEDOUT at the
  /// deadline (ns of the monotonic clock). Being woken says nothing: use wait_event.
  KResult<void> wait(Interruptible interruptible, u64 deadline_ns = kNoDeadline);
  /// Wakes the first sleeper, which is the result; null when there was none.
  Thread* wake_one();
  void wake_all();
  bool empty() const { return waiters_.empty(); }

 private:
  AutoList<Thread, &Thread::queue_node_> waiters_;
};

/// Sleeps, deaf to interrupts, until `ready()`.
template <class Ready>
void wait_event(WaitQueue& queue, Ready ready) {
  while (!ready()) {
    (void)queue.wait(Interruptible::kNo);
  }
}
/// EINTR, ETIMEDOUT. What is ready at the deadline or at the interrupt counts as ready.
template <class Ready>
KResult<void> wait_event_until(WaitQueue& queue, u64 deadline_ns, Ready ready) {
  while (!ready()) {
    const auto woken = queue.wait(Interruptible::kYes, deadline_ns);
    if (!woken.ok() && !ready()) {
      return Err(woken.error());
    }
  }
  return {};
}
template <class Ready>
KResult<void> wait_event_interruptible(WaitQueue& queue, Ready ready) {
  return wait_event_until(queue, kNoDeadline, ready);
}

/// Sleeps until the deadline (ns of the monotonic clock); EINTR when interrupted before.
KResult<void> sleep_until(u64 deadline_ns, Interruptible interruptible = Interruptible::kYes);

}  // namespace kernel
