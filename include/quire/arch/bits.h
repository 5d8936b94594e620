// Bit fields, alignment and sign extension.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

/// Bits `hi`..`lo` (inclusive, 63 >= hi >= lo) of `value`, shifted down to bit 0.
constexpr u64 bits(u64 value, unsigned hi, unsigned lo) {
  const unsigned width = hi - lo + 1;
  const u64 mask = width == 64 ? ~u64{0} : (u64{1} << width) - 1;
  return (value >> lo) & mask;
}

constexpr bool bit(u64 value, unsigned index) { return ((value >> index) & 1) != 0; }

/// The low `width` bits (1..64) of `value` as a two's-complement number.
constexpr i64 sign_extend(u64 value, unsigned width) {
  const unsigned shift = 64 - width;
  return static_cast<i64>(value << shift) >> shift;
}

/// `alignment` must be a power of two.
constexpr u64 align_down(u64 value, u64 alignment) { return value & ~(alignment - 1); }
/// Wraps to 0 when the rounded value does not fit 64 bits; callers that take foreign numbers check.
constexpr u64 align_up(u64 value, u64 alignment) { return (value + alignment - 1) & ~(alignment - 1); }
constexpr bool is_aligned(u64 value, u64 alignment) { return (value & (alignment - 1)) == 0; }

}  // namespace quire::arch
