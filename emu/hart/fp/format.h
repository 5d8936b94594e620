// The two formats bit by bit, and everything that needs no rounding: NaN boxes, signs, order, class.
//
// Unprivileged ISA 20240411, 21.2, 21.7-21.9 and 22.2. Nothing here touches the host's floating point.
#pragma once

#include <type_traits>

#include "emu/base/types.h"
#include "emu/isa/fp_op.h"

namespace quire::fp {

template <FpFmt F>
struct Format {
  static constexpr bool kIsSingle = F == FpFmt::kSingle;
  using Bits = std::conditional_t<kIsSingle, u32, u64>;
  static constexpr int kWidth = kIsSingle ? 32 : 64;
  static constexpr int kPrecision = kIsSingle ? 24 : 53;  ///< with the hidden bit
  static constexpr int kFractionBits = kPrecision - 1;
  static constexpr int kMaxExponent = kIsSingle ? 127 : 1023;  ///< of the largest binade; also the bias
  static constexpr int kMinExponent = 1 - kMaxExponent;        ///< of the smallest normal number

  static constexpr Bits kSign = Bits{1} << (kWidth - 1);
  static constexpr Bits kQuietBit = Bits{1} << (kFractionBits - 1);
  static constexpr Bits kInfinity = static_cast<Bits>((~Bits{0} << kFractionBits) & ~kSign);
  static constexpr Bits kCanonicalNan = kInfinity | kQuietBit;
  static constexpr Bits kLargest = kInfinity - 1;
  static constexpr Bits kHiddenBit = Bits{1} << kFractionBits;

  static constexpr Bits magnitude(Bits v) { return v & static_cast<Bits>(~kSign); }
  static constexpr bool is_negative(Bits v) { return (v & kSign) != 0; }
  static constexpr bool is_nan(Bits v) { return magnitude(v) > kInfinity; }
  static constexpr bool is_signaling(Bits v) { return is_nan(v) && (v & kQuietBit) == 0; }
  static constexpr bool is_infinite(Bits v) { return magnitude(v) == kInfinity; }
  static constexpr bool is_zero(Bits v) { return magnitude(v) == 0; }
  static constexpr Bits negate(Bits v) { return v ^ kSign; }
  static constexpr Bits with_sign(Bits v, bool negative) { return negative ? v | kSign : v; }
};

inline constexpr u64 kNanBoxBits = 0xffff'ffff'0000'0000;

/// Whether a register holds a value of the format; a single that is not boxed reads as the canonical NaN.
template <FpFmt F>
constexpr bool is_boxed(u64 reg) {
  return F == FpFmt::kDouble || reg >= kNanBoxBits;
}

template <FpFmt F>
constexpr typename Format<F>::Bits unbox(u64 reg) {
  return is_boxed<F>(reg) ? static_cast<typename Format<F>::Bits>(reg) : Format<F>::kCanonicalNan;
}

template <FpFmt F>
constexpr u64 box(typename Format<F>::Bits v) {
  if constexpr (F == FpFmt::kSingle) {
    return v | kNanBoxBits;
  } else {
    return v;
  }
}

/// fsgnj, fsgnjn, fsgnjx: `magnitude` with a sign made from both.
template <FpOp Op, FpFmt F>
constexpr typename Format<F>::Bits sign_inject(typename Format<F>::Bits magnitude,
                                               typename Format<F>::Bits sign) {
  using T = Format<F>;
  if constexpr (Op == FpOp::kSgnj) {
    return T::magnitude(magnitude) | (sign & T::kSign);
  } else if constexpr (Op == FpOp::kSgnjn) {
    return T::magnitude(magnitude) | (~sign & T::kSign);
  } else {
    return magnitude ^ (sign & T::kSign);
  }
}

/// Total order of what is no NaN, with -0 below +0 (as fmin and fmax want it).
template <FpFmt F>
constexpr bool below(typename Format<F>::Bits a, typename Format<F>::Bits b) {
  using Signed = std::make_signed_t<typename Format<F>::Bits>;
  constexpr int kTop = Format<F>::kWidth - 1;
  const auto key = [](Signed v) {
    return static_cast<Signed>(v ^ static_cast<Signed>((v >> kTop) & static_cast<Signed>(~Format<F>::kSign)));
  };
  return key(static_cast<Signed>(a)) < key(static_cast<Signed>(b));
}

/// The mask of fclass (table 21.3).
template <FpFmt F>
constexpr u64 classify(typename Format<F>::Bits v) {
  using T = Format<F>;
  if (T::is_nan(v)) return T::is_signaling(v) ? 1 << 8 : 1 << 9;
  const auto magnitude = T::magnitude(v);
  // Rank of the magnitude: 0 infinite, 1 normal, 2 subnormal, 3 zero; positive classes mirror negative ones.
  const unsigned rank = magnitude == T::kInfinity    ? 0
                        : magnitude >= T::kHiddenBit ? 1
                        : magnitude != 0             ? 2
                                                     : 3;
  return u64{1} << (T::is_negative(v) ? rank : 7 - rank);
}

}  // namespace quire::fp
