// Zeroing whole pages: a cache block at a time (Zicboz, CMO ISA 1.0) where the hart has it, else a word.
//
// Invariant: blocks are used only when the device tree says their size; firmware must have enabled them then
// (SBI leaves that to menvcfg.CBZE, which Linux relies on in the same way).
#pragma once

#include "guest/lib/types.h"

namespace kernel {

#if !__STDC_HOSTED__
class Fdt;
/// Looks at the first hart's node for `riscv,cboz-block-size` and an ISA with zicboz.
void init_clear_pages(const Fdt& device_tree);
#endif

/// `start` and `bytes` are multiples of a page.
void clear_pages(void* start, usize bytes);

}  // namespace kernel
