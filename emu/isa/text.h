// Instructions as text, from the table alone: the assembler's names and operands, without its aliases.
#pragma once

#include <string>

#include "emu/isa/insn.h"

namespace quire {

/// "addi a0, a0, -1"; branch targets as addresses, for an instruction at `pc`. Compressed instructions are
/// shown as what they are short for. Illegal ones: ".word 0x..." or ".half 0x...".
std::string text_of(const Insn& insn, u64 pc);

/// The table's name as assemblers write it: and_ is and, fcvt_w_s is fcvt.w.s.
std::string mnemonic(Op op);

}  // namespace quire
