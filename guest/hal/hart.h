// The running hart: its local data, interrupt switch and idling.
//
// Invariant: in the kernel `tp` points at this hart's HartLocal and sscratch is 0; in user mode
// sscratch holds that pointer. The kernel runs with interrupts off except in `wait_for_interrupt` and
// `take_pending_interrupts`.
#pragma once

#include "guest/hal/csr.h"

namespace kernel {

class Thread;

struct HartLocal {
  u64 user_frame;  ///< where a trap from user mode puts its TrapFrame: the top of the thread's kernel stack
  u64 scratch;     ///< trap entry: the interrupted sp
  u64 scratch2;    ///< trap entry: a spare register
  u64 emergency_stack;  ///< top of the stack that reports a kernel stack overflow
  u64 hart_id;
  Thread* current;    ///< owned by sched
  bool in_interrupt;  ///< an interrupt's handler runs
  bool need_resched;  ///< the running user thread should give way at its return to user mode
};

inline HartLocal& this_hart() {
  HartLocal* local;
  asm("mv %0, tp" : "=r"(local));
  return *local;
}

/// Takes what is pending now, and returns with interrupts off again.
inline void take_pending_interrupts() {
  set_csr_bits<Csr::kSstatus>(kSstatusSie);
  clear_csr_bits<Csr::kSstatus>(kSstatusSie);
}

/// Sleeps until an interrupt is pending, takes it, and returns with interrupts off again.
inline void wait_for_interrupt() {
  asm volatile("wfi" ::: "memory");  // wakes on a pending enabled interrupt even while SIE is clear
  take_pending_interrupts();
}

}  // namespace kernel
