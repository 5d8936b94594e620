// Calls to the SBI firmware (RISC-V SBI 2.0), as far as the supervisor uses it.
#pragma once

#include "guest/lib/span.h"

namespace kernel::sbi {

void set_timer(u64 deadline_ticks);
/// Writes to the debug console (DBCN, or the legacy call where that is missing).
void console_write(StringView text);
/// System reset: shutdown. Returns when the firmware cannot.
void shutdown();

}  // namespace kernel::sbi
