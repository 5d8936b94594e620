// The passes over a block's IR. Each keeps check() silent and what the block does the same.
//
// One rule goes beyond the IR's own (emu/jit/ir.h), for the sake of the lowering: an operation uses a value
// of an earlier instruction only while some guest register holds it, so that nothing but guest registers
// lives across instructions, and a call may do any of them.
#pragma once

#include "emu/jit/ir.h"

namespace quire::jit {

/// Forwards register writes to reads, drops writes of what is there, folds constants and algebraic
/// identities.
void simplify(Ir& ir);

/// Removes register writes that nothing can see, and what nothing uses.
void remove_dead(Ir& ir);

/// All of them, in order.
void optimize(Ir& ir);

}  // namespace quire::jit
