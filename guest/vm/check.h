// Whole-memory check: every frame's count against page tables and caches.
#pragma once

#include "guest/lib/result.h"

namespace kernel {

/// Whether somebody may hold frames for a moment besides page tables and caches.
enum class Pins : u8 { kSome, kNone };

/// Panics when an invariant of any address space fails, or when a frame of anonymous or cached memory has
/// fewer references than user PTEs and cache holds account for (pins may add to them; without any it must
/// have just as many). ENOMEM without room to count.
KResult<void> check_memory(Pins pins = Pins::kSome);

}  // namespace kernel
