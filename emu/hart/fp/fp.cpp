#include "emu/hart/fp/fp.h"

namespace quire::fp {

bool execute_soft(Env& env, FpOp op, FpFmt format, u8 rm, u64 a, u64 b, u64 c, u64& out) {
  Rounding rounding = Rounding::kNearestEven;
  if (has_rounding_mode(op) && !resolve(env, rm, rounding)) return false;
  const SoftResult result = soft(op, format, rounding, a, b, c);
  env.fflags |= result.flags;
  out = result.value;
  return true;
}

}  // namespace quire::fp
