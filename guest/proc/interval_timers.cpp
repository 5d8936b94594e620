#include "guest/proc/interval_timers.h"

#include "guest/proc/process.h"
#include "guest/proc/process_table.h"
#include "guest/proc/signal.h"

namespace kernel {

namespace {

template <i32 kSigno>
void send_interval_signal(ProcessTimer& timer, u64) {
  SigInfo info{};
  info.signo = kSigno;
  info.code = kSiKernel;
  (void)send_to_process(timer.process(), info);
}

}  // namespace

IntervalTimers::IntervalTimers(Process& process)
    : process_(process),
      real_(process, ProcessClock::kMonotonic, 0, &send_interval_signal<kSIGALRM>),
      virtual_(process, ProcessClock::kProcessUserTime, 0, &send_interval_signal<kSIGVTALRM>),
      profiling_(process, ProcessClock::kProcessCpu, 0, &send_interval_signal<kSIGPROF>) {}

TimerSetting IntervalTimers::get(IntervalTimerKind kind) const {
  return {.interval_ns = of(kind).interval_ns(), .value_ns = of(kind).remaining_ns()};
}

TimerSetting IntervalTimers::set(IntervalTimerKind kind, const TimerSetting& setting) {
  const TimerSetting before = get(kind);
  ProcessTimer& timer = of(kind);
  u64 deadline = 0;
  if (setting.value_ns != 0 && __builtin_add_overflow(timer.now_ns(), setting.value_ns, &deadline)) {
    deadline = ~u64{0};
  }
  timer.set(deadline, setting.interval_ns);
  return before;
}

KResult<i32> IntervalTimers::create(ProcessClock clock, u32 clock_tid, const SigEvent* event) {
  usize id = 0;
  while (id < posix_.size() && posix_[id]) {
    id++;
  }
  if (id >= kMaxPosixTimers) {
    return Err(Errno::kEAGAIN);
  }
  SigEvent standard{};
  standard.value = id;
  standard.signo = kSIGALRM;
  standard.notify = static_cast<i32>(TimerNotify::kSignal);
  auto timer = TRY(try_make<PosixTimer>(process_, clock, clock_tid, static_cast<i32>(id),
                                        event != nullptr ? *event : standard));
  if (id == posix_.size()) {
    TRY(posix_.push(std::move(timer)));
  } else {
    posix_[id] = std::move(timer);
  }
  return static_cast<i32>(id);
}

KResult<PosixTimer*> IntervalTimers::find(i32 id) {
  if (id < 0 || static_cast<usize>(id) >= posix_.size() || !posix_[static_cast<usize>(id)]) {
    return Err(Errno::kEINVAL);
  }
  return posix_[static_cast<usize>(id)].get();
}

KResult<void> IntervalTimers::remove(i32 id) {
  TRY(find(id));
  posix_[static_cast<usize>(id)].reset();
  return {};
}

void IntervalTimers::remove_all() {
  remove_posix();
  for (ProcessTimer* timer : intervals_) {
    timer->set(0, 0);
  }
}

void PosixTimer::expired(ProcessTimer& base, u64 times) {
  auto& timer = static_cast<PosixTimer&>(base);
  const auto notify = static_cast<TimerNotify>(timer.event_.notify);
  if (notify == TimerNotify::kNone) {
    return;
  }
  SigInfo info{};
  info.signo = timer.event_.signo;
  info.code = kSiTimer;
  info.timer = {.timer_id = timer.id_, .overrun = static_cast<i32>(times - 1), .value = timer.event_.value};
  Task* const task = notify == TimerNotify::kThreadId
                         ? process_table().find_task(static_cast<u32>(timer.event_.tid))
                         : nullptr;
  PendingSignals& pending = task != nullptr ? task->pending : timer.process().pending;
  if (pending.add_timer_overruns(timer.id_, static_cast<i32>(times))) {
    return;
  }
  if (task != nullptr) {
    (void)send_to_task(*task, info);
  } else if (notify != TimerNotify::kThreadId) {
    (void)send_to_process(timer.process(), info);
  }
}

}  // namespace kernel
