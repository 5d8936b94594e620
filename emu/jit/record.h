// From guest instructions to IR: the bodies of emu/isa/sem, recorded.
#pragma once

#include "emu/isa/isa.h"
#include "emu/jit/ir.h"

namespace quire::jit {

/// Whether blocks end behind it: all that may go elsewhere. CSRs may, too, but hardly ever do.
bool ends_translation(Op op);

/// The IR of a block whose instructions these are, as they are recorded, that is before any pass.
/// Instructions that end one come last only, and what `switches` has off is calls. Precondition: there is
/// one.
Ir record(const Isa& isa, u16 page_offset, std::vector<SourceInsn> insns, const Switches& switches = {});

}  // namespace quire::jit
