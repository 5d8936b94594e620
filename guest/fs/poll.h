// Waiting for several files at once: one queue for all pollers, who look again at their own files.
//
// Invariant: whoever makes a file readable, writable or hung up calls wake_pollers() afterwards.
#pragma once

#include "guest/sched/wait.h"

namespace kernel {

/// Pollers sleep here with a predicate over File::poll().
WaitQueue& poll_queue();
inline void wake_pollers() { poll_queue().wake_all(); }

}  // namespace kernel
