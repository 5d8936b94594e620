// What an operation is worth when its operands are constants, or one of them is.
#pragma once

#include <optional>

#include "emu/jit/ir.h"

namespace quire::jit {

/// The value of `op` on constants; empty for operations that are not pure.
std::optional<u64> fold_constants(IrOp op, i64 imm, u64 a, u64 b, u64 c);

/// The comparison that is true where `op` is not; empty where `op` is none.
std::optional<IrOp> opposite(IrOp op);

inline bool is_comparison(IrOp op) { return info(op).type == Type::kBit; }
bool is_commutative(IrOp op);

}  // namespace quire::jit
