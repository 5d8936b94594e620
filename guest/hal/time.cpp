#include "guest/hal/time.h"

#include "guest/hal/sbi.h"
#include "quire/arch/memmap.h"

namespace kernel {

namespace {
constexpr u64 kNsPerSecond = 1'000'000'000;
u64 g_timebase_hz = kTimebaseHz;
u64 g_programmed_deadline = 0;
}  // namespace

void set_timebase(u64 hz) { g_timebase_hz = hz; }
u64 timebase_hz() { return g_timebase_hz; }

u64 ticks_to_ns(u64 ticks) {
  const u64 seconds = ticks / g_timebase_hz;
  const u64 rest = ticks % g_timebase_hz;
  return seconds * kNsPerSecond + rest * kNsPerSecond / g_timebase_hz;
}

u64 ns_to_ticks(u64 ns) {
  const u64 seconds = ns / kNsPerSecond;
  const u64 rest = ns % kNsPerSecond;
  u64 ticks = 0;
  if (__builtin_mul_overflow(seconds, g_timebase_hz, &ticks) ||
      __builtin_add_overflow(ticks, (rest * g_timebase_hz + kNsPerSecond - 1) / kNsPerSecond, &ticks)) {
    return ~u64{0};
  }
  return ticks;
}

u64 monotonic_ns() { return ticks_to_ns(now_ticks()); }

void set_timer_interrupt(u64 deadline_ticks) {
  // The call costs a trap into the firmware. A deadline in the past may have fired already, so only one
  // that is still to come may be taken for set.
  if (deadline_ticks == g_programmed_deadline && deadline_ticks > now_ticks()) {
    return;
  }
  g_programmed_deadline = deadline_ticks;
  sbi::set_timer(deadline_ticks);
}

}  // namespace kernel
