// What a process' own exceptions turn into: page faults answered by its memory, everything else a signal.
#pragma once

#include "guest/hal/trap.h"

namespace kernel {

/// Sets the trap hooks of this layer. Once, at boot.
void init_process_traps();

}  // namespace kernel
