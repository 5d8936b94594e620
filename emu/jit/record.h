// From guest instructions to IR: the bodies of emu/isa/sem, recorded.
#pragma once

#include "emu/isa/isa.h"
#include "emu/jit/ir.h"

namespace quire::jit {

/// The IR of a block whose instructions these are, as they are recorded, that is before any pass.
/// Instructions that end a block come last only. Precondition: there is one.
Ir record(const Isa& isa, u16 page_offset, std::vector<SourceInsn> insns);

}  // namespace quire::jit
