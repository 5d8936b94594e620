// Copying, filling and comparing memory: the bodies behind memcpy and its kin in the freestanding build.
//
// Costs count in instructions, so long runs go eight words a turn; a misaligned pair is copied by
// words all the same only when both ends share their alignment.
#pragma once

#include "guest/lib/types.h"

namespace kernel {

/// The ranges must not overlap.
void copy_memory(void* to, const void* from, usize bytes);
/// The ranges may overlap.
void move_memory(void* to, const void* from, usize bytes);
void fill_memory(void* to, u8 value, usize bytes);
/// Negative, zero or positive, as memcmp.
int compare_memory(const void* a, const void* b, usize bytes);

/// Both page-aligned: a whole page of 4 KiB.
void copy_page(void* to, const void* from);

}  // namespace kernel
