// External interrupts: the PLIC and the handlers of its sources.
//
// Handlers run from user mode or idle (see sched): they may touch driver structures and wake threads.
#pragma once

#include "guest/hal/fdt.h"

namespace kernel {

using InterruptHandler = void (*)(void* context);

/// Finds the PLIC; without one there are no device interrupts.
void init_interrupt_controller();
/// Enables `source` at the PLIC. One handler a source. ENODEV without a PLIC, EINVAL for an impossible
/// source.
KResult<void> enable_interrupt(u32 source, InterruptHandler handler, void* context);
/// The first interrupt number of a device node.
std::optional<u32> interrupt_of(const FdtNode& node);

}  // namespace kernel
