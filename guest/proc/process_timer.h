// ProcessTimer: a one-shot or repeating timer on a clock of the wall or of a process' CPU time.
//
// CPU clocks never run faster than the wall on one hart, so the wall timer is set to the earliest moment
// at which the CPU clock can get there, and set again when it has not. Invariant: armed exactly while a
// deadline is set. Expiry runs in interrupt context: it must not sleep.
#pragma once

#include "guest/sched/timer.h"

namespace kernel {

class Process;

enum class ProcessClock : u8 { kMonotonic, kRealtime, kProcessCpu, kProcessUserTime, kThreadCpu };

/// The clock now, in ns; `tid` for kThreadCpu (0 when that thread has ended).
u64 read_process_clock(ProcessClock clock, Process& process, u32 tid);

class ProcessTimer : NonCopyable {
 public:
  /// `times`: periods that have passed since the last call, at least 1.
  using Expired = void (*)(ProcessTimer& timer, u64 times);
  ProcessTimer(Process& process, ProcessClock clock, u32 tid, Expired expired)
      : process_(process), expired_(expired), tid_(tid), clock_(clock) {}

  /// In ns of the clock; 0 disarms. An interval of 0 fires once.
  void set(u64 deadline_ns, u64 interval_ns);
  u64 now_ns() const { return read_process_clock(clock_, process_, tid_); }
  /// Until the next expiry, at least 1 while armed, 0 when not.
  u64 remaining_ns() const;
  u64 interval_ns() const { return interval_ns_; }
  Process& process() const { return process_; }
  u32 tid() const { return tid_; }

 private:
  static void fire(Timer& timer, void* self);
  void arm();

  Process& process_;
  Expired expired_;
  u64 deadline_ns_ = 0;
  u64 interval_ns_ = 0;
  u32 tid_;
  ProcessClock clock_;
  Timer timer_{fire, this};
};

}  // namespace kernel
