// Exact intermediate results, and the one place where they are rounded.
//
// Invariant: an Exact stands for sig * 2^exp with sig != 0; bits lost on the way are kept as a sticky bit 0
// ("jammed"), always at least two places below what any format keeps.
#pragma once

#include <bit>

#include "emu/hart/fp/format.h"

namespace quire::fp {

using u128 = unsigned __int128;

/// How to round, and the flags that rounding raises.
struct Mode {
  Rounding rounding;
  u8 flags = 0;

  constexpr void raise(u8 flag) { flags |= flag; }
};

struct Exact {
  bool negative;
  int exp;
  u128 sig;
};

constexpr int leading_zeros(u128 v) {
  const u64 high = static_cast<u64>(v >> 64);
  return high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(static_cast<u64>(v));
}

constexpr u128 shift_right_jam(u128 v, int count) {
  if (count <= 0) return v;
  if (count > 127) return v != 0 ? 1 : 0;
  const u128 lost = v & ((u128{1} << count) - 1);
  return v >> count | (lost != 0 ? 1 : 0);
}

/// Moves the leading bit to `position` without changing the value; it must not move down.
constexpr Exact normalized(Exact v, int position) {
  const int shift = leading_zeros(v.sig) - (127 - position);
  return {v.negative, v.exp - shift, v.sig << shift};
}

/// Whether kept bits are incremented when `rest`, of `width` bits (2..127), is cut off below them.
constexpr bool rounds_up(Rounding rounding, bool negative, bool kept_is_odd, u128 rest, int width) {
  const u128 half = u128{1} << (width - 1);
  switch (rounding) {
    case Rounding::kNearestEven:
      return rest > half || (rest == half && kept_is_odd);
    case Rounding::kNearestMaxMagnitude:
      return rest >= half;
    case Rounding::kDown:
      return negative && rest != 0;
    case Rounding::kUp:
      return !negative && rest != 0;
    default:
      return false;
  }
}

/// What is left of a significand with its leading bit at 127 when `width` bits are cut off.
constexpr u64 round_off(const Exact& v, int width, Rounding rounding) {
  const u64 kept = static_cast<u64>(v.sig >> width);
  const u128 rest = v.sig & ((u128{1} << width) - 1);
  return kept + (rounds_up(rounding, v.negative, (kept & 1) != 0, rest, width) ? 1 : 0);
}

/// What overflow gives: infinity, or the largest number where rounding leads away from it.
template <FpFmt F>
constexpr typename Format<F>::Bits overflowed(bool negative, Mode& mode) {
  using T = Format<F>;
  mode.raise(kFlagOverflow | kFlagInexact);
  const bool to_largest =
      mode.rounding == Rounding::kTowardZero || mode.rounding == (negative ? Rounding::kUp : Rounding::kDown);
  return T::with_sign(to_largest ? T::kLargest : T::kInfinity, negative);
}

/// Rounds to the format. Tininess is detected after rounding (21.2), that is as if the exponent had no bound.
template <FpFmt F>
constexpr typename Format<F>::Bits round_to(Exact exact, Mode& mode) {
  using T = Format<F>;
  constexpr int kCut = 128 - T::kPrecision;
  Exact v = normalized(exact, 127);
  int exponent = v.exp + 127;  // of the leading bit
  bool tiny = false;
  if (exponent < T::kMinExponent) {
    const bool carries = (round_off(v, kCut, mode.rounding) >> T::kPrecision) != 0;
    tiny = !(carries && exponent == T::kMinExponent - 1);
    v.sig = shift_right_jam(v.sig, T::kMinExponent - exponent);
    exponent = T::kMinExponent;
  }
  const u64 kept = round_off(v, kCut, mode.rounding);
  if (exponent + static_cast<int>(kept >> T::kPrecision) > T::kMaxExponent)
    return overflowed<F>(v.negative, mode);
  if ((v.sig & ((u128{1} << kCut) - 1)) != 0) {
    mode.raise(static_cast<u8>(tiny ? kFlagInexact | kFlagUnderflow : kFlagInexact));
  }
  // Added, the hidden bit (or the carry) of `kept` raises the exponent field by one; a subnormal has none.
  const u64 field = static_cast<u64>(exponent - T::kMinExponent) << T::kFractionBits;
  return T::with_sign(static_cast<typename T::Bits>(field + kept), v.negative);
}

/// A finite value other than 0 as an Exact.
template <FpFmt F>
constexpr Exact exact_value(typename Format<F>::Bits v) {
  using T = Format<F>;
  const auto magnitude = T::magnitude(v);
  const int field = static_cast<int>(magnitude >> T::kFractionBits);
  const u64 fraction = magnitude & (T::kHiddenBit - u64{1});
  const int exponent = field == 0 ? T::kMinExponent : field - T::kMaxExponent;
  return {T::is_negative(v), exponent - T::kFractionBits, field == 0 ? fraction : fraction | T::kHiddenBit};
}

/// An Exact rounded to an integer.
struct RoundedInteger {
  u128 magnitude;  ///< saturates at 2^127 or above
  bool inexact;
};

/// `v.sig` must have at most 64 bits.
constexpr RoundedInteger round_to_integer(const Exact& v, Rounding rounding) {
  if (v.exp >= 0) return {v.exp > 63 ? u128{1} << 127 : v.sig << v.exp, false};
  const u128 fixed = shift_right_jam(v.sig << 63, -v.exp);  // 63 places after the point
  const u128 rest = fixed & ((u128{1} << 63) - 1);
  const u128 kept = fixed >> 63;
  return {kept + (rounds_up(rounding, v.negative, (kept & 1) != 0, rest, 63) ? 1 : 0), rest != 0};
}

}  // namespace quire::fp
