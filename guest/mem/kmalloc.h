// kmalloc: memory for kernel objects, from slabs of one frame each; larger pieces are whole blocks of frames.
//
// Memory is aligned to 16 bytes and not cleared. heap_alloc of the library is this. Lock: none yet (no
// preemption).
#pragma once

#include "guest/lib/heap.h"

namespace kernel {

/// The largest piece: one block of frames.
inline constexpr usize kMaxKmalloc = usize{4} << 20;

KResult<void*> kmalloc(usize bytes);
KResult<void*> kzalloc(usize bytes);
/// Null is allowed.
void kfree(void* memory);

}  // namespace kernel
