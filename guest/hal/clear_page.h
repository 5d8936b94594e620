// Zeroing whole pages: a cache block at a time (Zicboz, CMO ISA 1.0) where the hart has it, else a word.
//
// Invariant: blocks are used only when the device tree says their size; firmware must have enabled them then
// (SBI leaves that to menvcfg.CBZE, which Linux relies on in the same way).
#pragma once

#include "guest/lib/types.h"

namespace kernel {

#if !__STDC_HOSTED__
/// `block_bytes`: BootInfo::zero_block_bytes. Programs may use cbo.zero as well from now on, as under Linux.
void init_clear_pages(u64 block_bytes);
#endif

/// `start` and `bytes` are multiples of a page.
void clear_pages(void* start, usize bytes);

}  // namespace kernel
