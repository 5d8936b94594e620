// From guest instructions to IR: the bodies of emu/isa/sem, recorded.
#pragma once

#include "emu/isa/isa.h"
#include "emu/jit/ir.h"

namespace quire::jit {

/// Whether blocks end behind it: all that may go elsewhere. CSRs may, too, but hardly ever do.
bool ends_translation(Op op);

/// Jumps and branches that may have to trap for their target (2.5); with the C extension none do.
bool may_trap_for_target(const Isa& isa, const Insn& insn);

/// The IR of a block whose instructions these are, in the order of execution, as they are recorded, that is
/// before any pass. Those that end one come last only, but for branches and jumps that do not trap for their
/// target: each leads to the next one, a branch in one of its two ways. What `switches` has off is calls.
/// Precondition: there is one.
Ir record(const Isa& isa, i16 page_offset, std::vector<SourceInsn> insns, const Switches& switches = {});

}  // namespace quire::jit
