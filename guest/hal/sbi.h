// Calls to the SBI firmware (RISC-V SBI 2.0), as far as the supervisor uses it.
#pragma once

#include "guest/lib/span.h"
#include "guest/lib/types.h"

namespace kernel::sbi {

void set_timer(u64 deadline_ticks);
/// Writes to the debug console (DBCN, or the legacy call where that is missing).
void console_write(StringView text);
/// What the hart's identification CSRs say (SBI 2.0, chapter 4); 0 where firmware does not tell.
enum class MachineId : u8 { kVendor = 4, kArchitecture = 5, kImplementation = 6 };
u64 machine_id(MachineId id);
/// System reset: shutdown. Returns when the firmware cannot.
void shutdown();

}  // namespace kernel::sbi
