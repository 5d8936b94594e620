// The steps of init_frames, apart so that tests can build a frame table over memory of their own.
#pragma once

#include "guest/mem/frame.h"

namespace kernel::frame_detail {

/// Puts the frame table for `memory` into the first gap between `reserved` ranges that holds it, and
/// frees the rest. Panics when there is no such gap.
void build_frame_table(Span<const PhysRange> memory, Span<const PhysRange> reserved);

void reset();
void add_free_range(u64 first, u64 count);
void finish_init();

}  // namespace kernel::frame_detail
