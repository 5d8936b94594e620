// The hart's clock and its one timer.
#pragma once

#include "guest/hal/csr.h"

namespace kernel {

/// Ticks of `time` a second, from the device tree (memmap.h's value until then).
void set_timebase(u64 hz);
u64 timebase_hz();

inline u64 now_ticks() { return read_csr<Csr::kTime>(); }
u64 ticks_to_ns(u64 ticks);
/// Rounds up, so that a deadline is never early; saturates.
u64 ns_to_ticks(u64 ns);
/// Nanoseconds since the machine was switched on.
u64 monotonic_ns();

/// Asks for a timer interrupt once `time` reaches `deadline_ticks`; ~0 means none. Clears a pending one.
void set_timer_interrupt(u64 deadline_ticks);

}  // namespace kernel
