// What the kernel tells the vDSO: one read-only page in front of the vDSO's image in every process.
//
// Written once at boot, before the first process starts, and on clock_settime; `sequence` is odd while it
// changes.
#pragma once

#include "quire/arch/types.h"

namespace kernel {

struct VdsoData {
  quire::arch::u32 sequence;
  quire::arch::u32 reserved;
  quire::arch::u64 timebase_hz;         ///< ticks of the `time` CSR a second
  quire::arch::u64 boot_ticks;          ///< `time` when CLOCK_MONOTONIC was 0
  quire::arch::u64 realtime_offset_ns;  ///< CLOCK_REALTIME - CLOCK_MONOTONIC
};
static_assert(sizeof(VdsoData) == 32);

}  // namespace kernel
