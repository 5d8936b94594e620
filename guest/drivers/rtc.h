// Wall-clock time: the goldfish RTC, read once, then the monotonic clock.
#pragma once

#include "guest/lib/types.h"

namespace kernel {

void init_rtc();
/// Nanoseconds since 1970-01-01 UTC; the monotonic clock alone on a board without an RTC.
u64 realtime_ns();
/// What to add to monotonic_ns().
u64 realtime_offset_ns();
/// clock_settime: moves the offset, not the device.
void set_realtime_ns(u64 now_ns);

}  // namespace kernel
