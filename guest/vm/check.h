// Whole-memory check: every frame's count against page tables and caches.
#pragma once

#include "guest/lib/result.h"

namespace kernel {

/// Panics when an invariant of any address space fails, or when a frame of anonymous or cached memory has
/// fewer references than user PTEs and cache holds account for (pins may add to them). ENOMEM without room to
/// count.
KResult<void> check_memory();

}  // namespace kernel
