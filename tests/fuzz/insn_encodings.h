// Encodings from the instruction table's patterns, independent of the decoder.
#pragma once

#include "emu/isa/op.h"
#include "tests/fuzz/insn_world.h"

namespace quire::fuzz {

/// The row whose pattern `raw` matches; Op::illegal where none does. Of 32-bit encodings.
Op op_by_pattern(u32 raw);

/// Some encoding of some instruction: every row is as likely, operands are such as make things happen.
u32 random_encoding(Random& random);

}  // namespace quire::fuzz
