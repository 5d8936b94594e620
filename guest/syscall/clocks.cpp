// Clocks, sleeping and timers.
#include "guest/drivers/rtc.h"
#include "guest/hal/time.h"
#include "guest/proc/interval_timers.h"
#include "guest/proc/process_table.h"
#include "guest/syscall/arguments.h"
#include "guest/syscall/usage.h"

namespace kernel {

namespace {

enum ClockId : i32 {
  kClockRealtime = 0,
  kClockMonotonic = 1,
  kClockProcessCpu = 2,
  kClockThreadCpu = 3,
  kClockMonotonicRaw = 4,
  kClockRealtimeCoarse = 5,
  kClockMonotonicCoarse = 6,
  kClockBoottime = 7,
  kClockRealtimeAlarm = 8,
  kClockBoottimeAlarm = 9,
  kClockTai = 11,
};
constexpr u32 kTimerAbsolute = 1;

/// A clock id resolved: which clock, of which process and thread.
struct Clock {
  ProcessClock clock;
  Process* process;
  u32 tid = 0;
  u64 now() const { return read_process_clock(clock, *process, tid); }
};

/// CPU clocks of other processes and threads have negative ids: ~pid << 3 | kind (clock_getcpuclockid(3)).
KResult<Clock> cpu_clock(i32 id) {
  const auto pid = static_cast<u32>(~(id >> 3));
  const bool thread = (id & 4) != 0;
  if ((id & 3) == 3) {
    return Err(Errno::kEINVAL);  // a clock that belongs to a descriptor
  }
  if (thread) {
    Task* const task = pid == 0 ? &current_task() : process_table().find_task(pid);
    if (task == nullptr || &task->process() != &current_process()) {
      return Err(Errno::kEINVAL);
    }
    return Clock{ProcessClock::kThreadCpu, &task->process(), task->tid()};
  }
  Process* const process = pid == 0 ? &current_process() : process_table().find(pid);
  if (process == nullptr) {
    return Err(Errno::kEINVAL);
  }
  // Kind 1 is user time alone.
  return Clock{(id & 3) == 1 ? ProcessClock::kProcessUserTime : ProcessClock::kProcessCpu, process};
}

KResult<Clock> find_clock(i32 id) {
  Process& self = current_process();
  switch (id) {
    case kClockRealtime:
    case kClockRealtimeCoarse:
    case kClockRealtimeAlarm:
    case kClockTai:
      return Clock{ProcessClock::kRealtime, &self};
    case kClockMonotonic:
    case kClockMonotonicRaw:
    case kClockMonotonicCoarse:
    case kClockBoottime:
    case kClockBoottimeAlarm:
      return Clock{ProcessClock::kMonotonic, &self};
    case kClockProcessCpu:
      return Clock{ProcessClock::kProcessCpu, &self};
    case kClockThreadCpu:
      return Clock{ProcessClock::kThreadCpu, &self, current_task().tid()};
    default:
      return id < 0 ? cpu_clock(id) : KResult<Clock>(Err(Errno::kEINVAL));
  }
}

/// Sleeps until a deadline of the monotonic clock; a relative sleep that is interrupted tells what was left.
SyscallResult sleep_to(u64 deadline_ns, VirtAddr remaining) {
  Task& task = current_task();
  task.restart = Restart::kNoHandler;
  task.resume_deadline_ns = deadline_ns;
  const auto slept = sleep_until(deadline_ns);
  if (slept.ok()) {
    return 0;
  }
  if (remaining.value != 0 && slept.error() == Errno::kEINTR) {
    const u64 now = monotonic_ns();
    TRY(put_user(remaining, to_timespec(deadline_ns > now ? deadline_ns - now : 0)));
  }
  return Err(slept.error());
}

SyscallResult sleep_on(const Clock& clock, u32 flags, VirtAddr request, VirtAddr remaining) {
  const u64 ns = TRY(user_timespec_ns(request));
  const Task& task = current_task();
  if (task.resume_deadline_ns != 0) {
    return sleep_to(task.resume_deadline_ns, remaining);
  }
  if ((flags & kTimerAbsolute) == 0) {
    return sleep_to(deadline_after(ns), remaining);
  }
  const u64 now = clock.now();
  return sleep_to(deadline_after(ns > now ? ns - now : 0), VirtAddr(0));
}

struct IntervalValue {
  TimeVal interval;
  TimeVal value;
};
/// struct itimerspec.
struct TimerSpec {
  TimeSpec interval;
  TimeSpec value;
};

KResult<u64> timespec_ns(const TimeSpec& time) {
  if (time.seconds < 0 || time.nanoseconds < 0 || time.nanoseconds >= static_cast<i64>(kNsPerSecond)) {
    return Err(Errno::kEINVAL);
  }
  return static_cast<u64>(std::min<i64>(time.seconds, INT64_MAX / static_cast<i64>(kNsPerSecond) - 1)) *
             kNsPerSecond +
         static_cast<u64>(time.nanoseconds);
}

IntervalValue to_interval_value(const TimerSetting& setting) {
  // A rest below a microsecond still is one: an armed timer never reads as zero.
  const u64 value = setting.value_ns == 0 ? 0 : std::max<u64>(setting.value_ns, 1000);
  return {to_timeval(setting.interval_ns), to_timeval(value)};
}

KResult<IntervalTimerKind> interval_kind(u32 which) {
  if (which > static_cast<u32>(IntervalTimerKind::kProfiling)) {
    return Err(Errno::kEINVAL);
  }
  return static_cast<IntervalTimerKind>(which);
}

TimerSpec to_timer_spec(const PosixTimer& timer) {
  return {to_timespec(timer.interval_ns()), to_timespec(timer.remaining_ns())};
}

KResult<void> check_event(const SigEvent& event) {
  const auto notify = static_cast<TimerNotify>(event.notify);
  if (notify == TimerNotify::kNone) {
    return {};
  }
  if ((notify != TimerNotify::kSignal && notify != TimerNotify::kThreadId) || event.signo < 1 ||
      event.signo > kSignalMax) {
    return Err(Errno::kEINVAL);
  }
  if (notify == TimerNotify::kThreadId) {
    const Task* const task = process_table().find_task(static_cast<u32>(event.tid));
    if (task == nullptr || &task->process() != &current_process()) {
      return Err(Errno::kEINVAL);
    }
  }
  return {};
}

}  // namespace

SyscallResult sys_clock_gettime(const SyscallArgs& args) {
  const Clock clock = TRY(find_clock(args.as_int(0)));
  TRY(put_user(args.as_address(1), to_timespec(clock.now())));
  return 0;
}

SyscallResult sys_clock_getres(const SyscallArgs& args) {
  TRY(find_clock(args.as_int(0)));
  if (args[1] != 0) {
    TRY(put_user(args.as_address(1), to_timespec(1)));
  }
  return 0;
}

SyscallResult sys_gettimeofday(const SyscallArgs& args) {
  if (args[0] != 0) {
    TRY(put_user(args.as_address(0), to_timeval(realtime_ns())));
  }
  if (args[1] != 0) {
    TRY(put_user(args.as_address(1), u64{0}));  // struct timezone: UTC
  }
  return 0;
}

namespace {

SyscallResult set_wall_time(u64 now_ns) {
  if (!current_process().identity.privileged()) {
    return Err(Errno::kEPERM);
  }
  set_realtime_ns(now_ns);
  return 0;
}

}  // namespace

SyscallResult sys_clock_settime(const SyscallArgs& args) {
  const u64 ns = TRY(user_timespec_ns(args.as_address(1)));
  // The other clocks cannot be set (clock_getres(2)).
  return args.as_int(0) == kClockRealtime ? set_wall_time(ns) : SyscallResult(Err(Errno::kEINVAL));
}

SyscallResult sys_settimeofday(const SyscallArgs& args) {
  if (args[0] == 0) {
    return current_process().identity.privileged() ? SyscallResult(0) : SyscallResult(Err(Errno::kEPERM));
  }
  const auto time = TRY(get_user<TimeVal>(args.as_address(0)));
  const u64 ns = TRY(timeval_ns(time));
  return set_wall_time(ns);
}

SyscallResult sys_nanosleep(const SyscallArgs& args) {
  const Clock clock{ProcessClock::kMonotonic, &current_process()};
  return sleep_on(clock, 0, args.as_address(0), args.as_address(1));
}

SyscallResult sys_clock_nanosleep(const SyscallArgs& args) {
  const Clock clock = TRY(find_clock(args.as_int(0)));
  if (args.as_int(0) == kClockThreadCpu) {
    return Err(Errno::kEINVAL);
  }
  return sleep_on(clock, args.as_uint(1), args.as_address(2), args.as_address(3));
}

SyscallResult sys_times(const SyscallArgs& args) {
  constexpr u64 kNsPerClockTick = 10'000'000;
  const auto ticks = [](u64 cpu) { return static_cast<i64>(ticks_to_ns(cpu) / kNsPerClockTick); };
  Process& process = current_process();
  const CpuTimes own = process.times();
  if (args[0] != 0) {
    const i64 buffer[4] = {ticks(own.user), ticks(own.system), ticks(process.reaped.user),
                           ticks(process.reaped.system)};
    TRY(copy_to_user(args.as_address(0), buffer, sizeof(buffer)));
  }
  return static_cast<i64>(monotonic_ns() / kNsPerClockTick);
}

SyscallResult sys_getitimer(const SyscallArgs& args) {
  const auto kind = TRY(interval_kind(args.as_uint(0)));
  TRY(put_user(args.as_address(1), to_interval_value(current_process().timers.get(kind))));
  return 0;
}

SyscallResult sys_setitimer(const SyscallArgs& args) {
  const auto kind = TRY(interval_kind(args.as_uint(0)));
  TimerSetting setting{};
  if (args[1] != 0) {
    const auto given = TRY(get_user<IntervalValue>(args.as_address(1)));
    setting.value_ns = TRY(timeval_ns(given.value));
    setting.interval_ns = TRY(timeval_ns(given.interval));
  }
  const TimerSetting before = current_process().timers.set(kind, setting);
  if (args[2] != 0) {
    TRY(put_user(args.as_address(2), to_interval_value(before)));
  }
  return 0;
}

SyscallResult sys_timer_create(const SyscallArgs& args) {
  const Clock clock = TRY(find_clock(args.as_int(0)));
  if (clock.process != &current_process()) {
    return Err(Errno::kEINVAL);
  }
  SigEvent event{};
  if (args[1] != 0) {
    event = TRY(get_user<SigEvent>(args.as_address(1)));
    TRY(check_event(event));
  }
  IntervalTimers& timers = current_process().timers;
  const i32 id = TRY(timers.create(clock.clock, clock.tid, args[1] != 0 ? &event : nullptr));
  const auto told = put_user(args.as_address(2), id);
  if (!told.ok()) {
    (void)timers.remove(id);
    return Err(told.error());
  }
  return 0;
}

SyscallResult sys_timer_settime(const SyscallArgs& args) {
  PosixTimer* const timer = TRY(current_process().timers.find(args.as_int(0)));
  if (args[2] == 0) {
    return Err(Errno::kEINVAL);
  }
  const auto given = TRY(get_user<TimerSpec>(args.as_address(2)));
  const u64 value = TRY(timespec_ns(given.value));
  const u64 interval = TRY(timespec_ns(given.interval));
  const TimerSpec before = to_timer_spec(*timer);
  u64 deadline = value;
  if (value != 0 && (args.as_uint(1) & kTimerAbsolute) == 0 &&
      __builtin_add_overflow(timer->now_ns(), value, &deadline)) {
    deadline = ~u64{0};
  }
  timer->set(deadline, interval);
  timer->set_overruns(0);
  if (args[3] != 0) {
    TRY(put_user(args.as_address(3), before));
  }
  return 0;
}

SyscallResult sys_timer_gettime(const SyscallArgs& args) {
  PosixTimer* const timer = TRY(current_process().timers.find(args.as_int(0)));
  TRY(put_user(args.as_address(1), to_timer_spec(*timer)));
  return 0;
}

SyscallResult sys_timer_getoverrun(const SyscallArgs& args) {
  return i64{TRY(current_process().timers.find(args.as_int(0)))->overruns()};
}

SyscallResult sys_timer_delete(const SyscallArgs& args) {
  TRY(current_process().timers.remove(args.as_int(0)));
  return 0;
}

SyscallResult sys_getrusage(const SyscallArgs& args) {
  Process& process = current_process();
  enum : i32 { kSelf = 0, kChildren = -1, kThread = 1 };
  Usage usage;
  switch (args.as_int(0)) {
    case kSelf:
      usage = usage_of(process);
      break;
    case kChildren:
      usage = {.times = process.reaped,
               .minor_faults = process.reaped_minor_faults,
               .major_faults = process.reaped_major_faults,
               .peak_rss_pages = process.reaped_peak_rss_pages};
      break;
    case kThread:
      usage = usage_of(process);
      usage.times = current_task().times();
      break;
    default:
      return Err(Errno::kEINVAL);
  }
  TRY(put_user(args.as_address(1), to_rusage(usage)));
  return 0;
}

}  // namespace kernel
