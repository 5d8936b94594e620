// The end: hands an exit status to the board and switches it off.
#pragma once

#include "guest/lib/types.h"

namespace kernel {

/// `status` 0..255 is what the emulator's process exits with; SBI shutdown where the board has no finisher.
[[noreturn]] void power_off(u8 status);
/// Makes a panic log its line, emit the `panic` event and end with status 255. Works from the first moment
/// on.
void init_panic();
/// Finds the finisher.
void init_power();

}  // namespace kernel
