#include "guest/sched/timer.h"

#include "guest/hal/time.h"
#include "guest/sched/scheduler.h"

namespace kernel {

namespace {

struct ByDeadline {
  bool operator()(const Timer& a, const Timer& b) const { return a.deadline_ns() < b.deadline_ns(); }
};
MultiTree<Timer, &Timer::node_, ByDeadline> g_timers;

}  // namespace

void Timer::arm(u64 deadline_ns) {
  cancel();
  deadline_ns_ = deadline_ns;
  g_timers.insert(*this);
  if (&*g_timers.begin() == this) {
    Scheduler::program_timer();
  }
}

void Timer::cancel() {
  if (armed()) {
    // The hart's timer stays as it is: an interrupt that finds nothing due costs less than each cancel would.
    g_timers.erase(g_timers.iterator_to(*this));
  }
}

void run_due_timers() {
  while (!g_timers.empty() && g_timers.begin()->deadline_ns() <= monotonic_ns()) {
    Timer& timer = *g_timers.begin();
    timer.cancel();
    timer.fire();
  }
}

u64 next_timer_deadline() { return g_timers.empty() ? ~u64{0} : g_timers.begin()->deadline_ns(); }

}  // namespace kernel
