#include "guest/sched/wait.h"

#include "guest/hal/time.h"
#include "guest/sched/timer.h"

namespace kernel {

KResult<void> WaitQueue::wait(Interruptible interruptible, u64 deadline_ns) {
  Thread& self = current_thread();
  if (interruptible == Interruptible::kYes && self.interrupt_requested_) {
    return Err(Errno::kEINTR);
  }
  Timer timer([](Timer&, void* thread) { wake_thread(*static_cast<Thread*>(thread)); }, &self);
  if (deadline_ns != kNoDeadline) {
    if (monotonic_ns() >= deadline_ns) {
      return Err(Errno::kETIMEDOUT);
    }
    timer.arm(deadline_ns);
  }
  waiters_.push_back(self);
  self.interruptible_ = interruptible == Interruptible::kYes;
  block_thread();
  self.interruptible_ = false;
  if (interruptible == Interruptible::kYes && self.interrupt_requested_) {
    return Err(Errno::kEINTR);
  }
  if (deadline_ns != kNoDeadline && !timer.armed()) {
    return Err(Errno::kETIMEDOUT);
  }
  return {};
}

Thread* WaitQueue::wake_one() {
  if (waiters_.empty()) {
    return nullptr;
  }
  Thread& first = waiters_.front();
  wake_thread(first);
  return &first;
}

void WaitQueue::wake_all() {
  while (wake_one() != nullptr) {
  }
}

KResult<void> sleep_until(u64 deadline_ns, Interruptible interruptible) {
  WaitQueue nobody;
  for (;;) {
    const auto woken = nobody.wait(interruptible, deadline_ns);
    if (!woken.ok()) {
      return woken.error() == Errno::kETIMEDOUT ? KResult<void>() : KResult<void>(Err(woken.error()));
    }
  }
}

}  // namespace kernel
