#include "guest/hal/hart.h"

extern "C" char emergency_stack_top[];

/// The boot hart's data; boot.S points tp at it.
extern "C" {
kernel::HartLocal g_boot_hart = {.user_frame = 0,
                                 .scratch = 0,
                                 .scratch2 = 0,
                                 .emergency_stack = reinterpret_cast<kernel::u64>(emergency_stack_top),
                                 .hart_id = 0,
                                 .current = nullptr,
                                 .in_interrupt = false,
                                 .need_resched = false};
}
