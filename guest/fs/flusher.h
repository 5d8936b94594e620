// The flusher: what was written to files of a backing store reaches it without anybody asking.
//
// Thirty seconds after the first page became dirty (Linux' dirty_expire_centisecs) every mounted file system
// is told to write. A page that becomes dirty meanwhile waits for the next round, so that none waits longer
// than two.
#pragma once

#include "guest/lib/result.h"

namespace kernel {

/// Starts its thread. ENOMEM.
KResult<void> start_flusher();
/// A page of a file that does not live in memory alone has become dirty.
void note_dirty_page();

/// dirty_expire_centisecs, which may be changed; it counts from the next page on.
u64 dirty_expire_centisecs();
void set_dirty_expire_centisecs(u64 centisecs);

}  // namespace kernel
