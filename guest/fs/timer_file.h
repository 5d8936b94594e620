// timerfd_create(2): a timer whose expiries are read from a descriptor.
#pragma once

#include "guest/fs/file.h"

namespace kernel {

enum class TimerFileClock : u8 { kMonotonic, kRealtime };

struct TimerFileSetting {
  u64 value_ns = 0;  ///< until the next expiry; 0: not armed
  u64 interval_ns = 0;
};

/// `clock_id` is only shown. `flags`: kOpenNonBlock.
KResult<RefPtr<File>> make_timer_file(TimerFileClock clock, i32 clock_id, u32 flags);
/// Returns the setting before. `absolute`: value_ns is a moment of the timer's clock. EINVAL: no such file.
enum class TimerStart : u8 { kRelative, kAbsolute };
KResult<TimerFileSetting> set_timer_file(File& file, const TimerFileSetting& setting, TimerStart start);
KResult<TimerFileSetting> get_timer_file(File& file);

}  // namespace kernel
