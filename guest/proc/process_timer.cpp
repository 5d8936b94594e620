#include "guest/proc/process_timer.h"

#include "guest/drivers/rtc.h"
#include "guest/hal/time.h"
#include "guest/proc/process.h"
#include "guest/proc/process_table.h"

namespace kernel {

u64 read_process_clock(ProcessClock clock, Process& process, u32 tid) {
  switch (clock) {
    case ProcessClock::kMonotonic:
      return monotonic_ns();
    case ProcessClock::kRealtime:
      return realtime_ns();
    case ProcessClock::kProcessUserTime:
      return ticks_to_ns(process.times().user);
    case ProcessClock::kProcessCpu: {
      const CpuTimes times = process.times();
      return ticks_to_ns(times.user + times.system);
    }
    case ProcessClock::kThreadCpu: {
      Task* const task = process_table().find_task(tid);
      if (task == nullptr) {
        return 0;
      }
      const CpuTimes times = task->times();
      return ticks_to_ns(times.user + times.system);
    }
  }
  return 0;
}

void ProcessTimer::set(u64 deadline_ns, u64 interval_ns) {
  timer_.cancel();
  deadline_ns_ = deadline_ns;
  interval_ns_ = deadline_ns == 0 ? 0 : interval_ns;
  if (deadline_ns != 0) {
    arm();
  }
}

u64 ProcessTimer::remaining_ns() const {
  if (deadline_ns_ == 0) {
    return 0;
  }
  const u64 now = now_ns();
  return deadline_ns_ > now ? deadline_ns_ - now : 1;
}

void ProcessTimer::arm() {
  const u64 now = now_ns();
  const u64 remaining = deadline_ns_ > now ? deadline_ns_ - now : 0;
  u64 wall = 0;
  timer_.arm(__builtin_add_overflow(monotonic_ns(), remaining, &wall) ? ~u64{0} - 1 : wall);
}

void ProcessTimer::fire(Timer&, void* self) {
  auto& timer = *static_cast<ProcessTimer*>(self);
  const u64 now = timer.now_ns();
  if (now < timer.deadline_ns_) {
    timer.arm();
    return;
  }
  u64 times = 1;
  if (timer.interval_ns_ == 0) {
    timer.deadline_ns_ = 0;
  } else {
    times += (now - timer.deadline_ns_) / timer.interval_ns_;
    timer.deadline_ns_ += times * timer.interval_ns_;
    timer.arm();
  }
  timer.expired_(timer, times);
}

}  // namespace kernel
