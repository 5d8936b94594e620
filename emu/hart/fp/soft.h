// Floating point in integer arithmetic: exact in every rounding mode, on every host.
//
// The reference for the host path (emu/hart/fp/host.h) and its fallback.
#pragma once

#include "emu/hart/fp/format.h"

namespace quire::fp {

struct SoftResult {
  u64 value;
  u8 flags;  ///< FpFlag bits raised
};

/// Computes any operation on whole registers (emu/isa/fp_op.h). `rounding` is never kDynamic.
SoftResult soft(FpOp op, FpFmt format, Rounding rounding, u64 a, u64 b, u64 c);

}  // namespace quire::fp
