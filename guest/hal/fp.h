// The floating-point registers of a user thread. The kernel itself never uses them.
#pragma once

#include "guest/hal/trap.h"

namespace kernel {

struct FpState {
  u64 f[32] = {};
  u32 fcsr = 0;
};

/// Saves the registers to `state` if the thread has changed them since the last call (FS dirty), and marks
/// the frame clean. `frame` is the frame of the thread that runs now.
void save_user_fp(TrapFrame& frame, FpState& state);
/// Loads the registers from `state` (always: another thread may have run) and marks the frame clean.
void load_user_fp(TrapFrame& frame, const FpState& state);

}  // namespace kernel
