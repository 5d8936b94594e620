// The timers a program sets for itself: setitimer(2) and timer_create(2).
//
// Lock: the process table's (see process.h).
#pragma once

#include "guest/lib/unique_ptr.h"
#include "guest/lib/vector.h"
#include "guest/proc/process_timer.h"
#include "quire/arch/linux/signal.h"

namespace kernel {

enum class IntervalTimerKind : u32 { kReal = 0, kVirtual = 1, kProfiling = 2 };

enum class TimerNotify : i32 { kSignal = 0, kNone = 1, kThread = 2, kThreadId = 4 };

/// struct sigevent, as the kernel sees it.
struct SigEvent {
  u64 value;
  i32 signo;
  i32 notify;
  i32 tid;
  u32 room[11];
};
static_assert(sizeof(SigEvent) == 64);

struct TimerSetting {
  u64 interval_ns;
  u64 value_ns;
};

class PosixTimer : public ProcessTimer {
 public:
  PosixTimer(Process& process, ProcessClock clock, u32 clock_tid, i32 id, const SigEvent& event)
      : ProcessTimer(process, clock, clock_tid, &PosixTimer::expired), event_(event), id_(id) {}
  i32 id() const { return id_; }
  /// Expiries that the last signal taken stands for, beyond the first.
  i32 overruns() const { return overruns_; }
  void set_overruns(i32 count) { overruns_ = count; }

 private:
  static void expired(ProcessTimer& timer, u64 times);
  SigEvent event_;
  i32 id_;
  i32 overruns_ = 0;
};

class IntervalTimers : NonCopyable {
 public:
  explicit IntervalTimers(Process& process);

  TimerSetting get(IntervalTimerKind kind) const;
  /// Returns the setting before.
  TimerSetting set(IntervalTimerKind kind, const TimerSetting& setting);

  /// EAGAIN, ENOMEM. A default event is SIGALRM with the timer's id.
  KResult<i32> create(ProcessClock clock, u32 clock_tid, const SigEvent* event);
  /// EINVAL.
  KResult<PosixTimer*> find(i32 id);
  KResult<void> remove(i32 id);
  /// exec and exit: timers of timer_create go; at exit, all.
  void remove_posix() { posix_.reset(); }
  void remove_all();

 private:
  static constexpr usize kMaxPosixTimers = 4096;
  ProcessTimer& of(IntervalTimerKind kind) { return *intervals_[static_cast<u32>(kind)]; }
  const ProcessTimer& of(IntervalTimerKind kind) const { return *intervals_[static_cast<u32>(kind)]; }

  Process& process_;
  ProcessTimer real_;
  ProcessTimer virtual_;
  ProcessTimer profiling_;
  ProcessTimer* intervals_[3] = {&real_, &virtual_, &profiling_};
  Vector<UniquePtr<PosixTimer>> posix_;
};

}  // namespace kernel
