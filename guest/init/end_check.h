// What must hold when the program has ended and nothing runs any more (`quire.check` on the command line).
#pragma once

namespace kernel {

/// Ends what the program left running, then panics, naming it, on a leaked frame, page table, process or open
/// file, or a broken invariant of memory (vm/check.h). In the first process only.
void check_at_end();

}  // namespace kernel
