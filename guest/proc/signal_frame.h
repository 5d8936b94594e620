// The frame that a signal handler runs on (quire/arch/linux/signal.h), made and taken apart.
#pragma once

#include "guest/hal/trap.h"
#include "guest/proc/process.h"

namespace kernel {

bool on_alternate_stack(const Task& task, u64 sp);

/// Pushes a frame that holds the present state, and points `frame` at the handler. `mask`: restored on
/// return. EFAULT when the stack cannot take it.
KResult<void> push_signal_frame(Task& task, TrapFrame& frame, const SigAction& action, const SigInfo& info,
                                SigSet mask);
/// The reverse. EFAULT.
KResult<void> pop_signal_frame(Task& task, TrapFrame& frame);

}  // namespace kernel
