// The kernel's own address space: linear map with superpages, stacks with guard pages, device registers.
//
// Invariants: text is never writable, nothing writable is executable, and after init_kernel_space no
// root entry of the kernel half changes. Lock: none yet (no preemption).
#pragma once

#include "guest/hal/boot_info.h"
#include "guest/hal/page_table.h"

namespace kernel {

/// Builds the final kernel table from `info` and switches to it. Frames must be there.
void init_kernel_space(const BootInfo& info);

/// Maps device registers (uncached by the board's memory map) and returns where; lasts for ever. ENOMEM.
KResult<volatile u8*> ioremap(PhysRange registers);

/// A kernel stack of kStackBytes over an unmapped guard of the same size.
struct KernelStack {
  u64 base = 0;  ///< lowest mapped address; 0: none
  u64 top() const { return base + kStackBytes; }
};
KResult<KernelStack> alloc_kernel_stack();
void free_kernel_stack(KernelStack stack);

}  // namespace kernel
