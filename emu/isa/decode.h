// From bits to Insn: RV64IMAFDC, Zicsr, Zifencei and the privileged instructions.
#pragma once

#include "emu/base/types.h"
#include "emu/isa/insn.h"

namespace quire {

/// Bytes of the instruction whose first 16 bits these are: 2 or 4. Longer encodings (1.5) are not
/// implemented and count as 4, which is what they trap as.
constexpr unsigned insn_length(u16 first) { return (first & 3) == 3 ? 4 : 2; }

/// Decodes the instruction at the low end of `bits`; the upper half is ignored where it is compressed.
/// Never fails: what no row of isa.inc matches becomes Op::illegal.
Insn decode(u32 bits);

}  // namespace quire
