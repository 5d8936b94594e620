// The formats bit by bit, and everything that needs no rounding: NaN boxes, signs, order, class.
//
// Unprivileged ISA 20240411, 21.2, 21.7-21.9 and 22.2. Nothing here touches the host's floating point.
#pragma once

#include <type_traits>

#include "emu/base/types.h"
#include "emu/isa/fp_op.h"

namespace quire::fp {

template <FpFmt F>
struct Format {
  using Bits = std::conditional_t<F == FpFmt::kHalf, u16, std::conditional_t<F == FpFmt::kSingle, u32, u64>>;
  static constexpr int kWidth = F == FpFmt::kHalf ? 16 : F == FpFmt::kSingle ? 32 : 64;
  /// With the hidden bit.
  static constexpr int kPrecision = F == FpFmt::kHalf ? 11 : F == FpFmt::kSingle ? 24 : 53;
  static constexpr int kFractionBits = kPrecision - 1;
  /// Of the largest binade; also the bias.
  static constexpr int kMaxExponent = F == FpFmt::kHalf ? 15 : F == FpFmt::kSingle ? 127 : 1023;
  static constexpr int kMinExponent = 1 - kMaxExponent;  ///< of the smallest normal number

  static constexpr Bits kSign = static_cast<Bits>(u64{1} << (kWidth - 1));
  static constexpr Bits kQuietBit = static_cast<Bits>(u64{1} << (kFractionBits - 1));
  static constexpr Bits kInfinity = static_cast<Bits>((~u64{0} << kFractionBits) & (kSign - u64{1}));
  static constexpr Bits kCanonicalNan = static_cast<Bits>(kInfinity | kQuietBit);
  static constexpr Bits kLargest = static_cast<Bits>(kInfinity - 1);
  static constexpr Bits kHiddenBit = static_cast<Bits>(u64{1} << kFractionBits);
  /// What an f register has above a value of the format.
  static constexpr u64 kBox = kWidth == 64 ? 0 : ~u64{0} << (kWidth % 64);

  static constexpr Bits magnitude(Bits v) { return static_cast<Bits>(v & ~kSign); }
  static constexpr bool is_negative(Bits v) { return (v & kSign) != 0; }
  static constexpr bool is_nan(Bits v) { return magnitude(v) > kInfinity; }
  static constexpr bool is_signaling(Bits v) { return is_nan(v) && (v & kQuietBit) == 0; }
  static constexpr bool is_infinite(Bits v) { return magnitude(v) == kInfinity; }
  static constexpr bool is_zero(Bits v) { return magnitude(v) == 0; }
  static constexpr Bits negate(Bits v) { return static_cast<Bits>(v ^ kSign); }
  static constexpr Bits with_sign(Bits v, bool negative) {
    return static_cast<Bits>(negative ? v | kSign : v);
  }
};

/// Whether a register holds a value of the format; what is not boxed reads as the canonical NaN.
template <FpFmt F>
constexpr bool is_boxed(u64 reg) {
  return reg >= Format<F>::kBox;
}

template <FpFmt F>
constexpr typename Format<F>::Bits unbox(u64 reg) {
  return is_boxed<F>(reg) ? static_cast<typename Format<F>::Bits>(reg) : Format<F>::kCanonicalNan;
}

template <FpFmt F>
constexpr u64 box(typename Format<F>::Bits v) {
  return v | Format<F>::kBox;
}

/// fsgnj, fsgnjn, fsgnjx: `magnitude` with a sign made from both.
template <FpOp Op, FpFmt F>
constexpr typename Format<F>::Bits sign_inject(typename Format<F>::Bits magnitude,
                                               typename Format<F>::Bits sign) {
  using T = Format<F>;
  if constexpr (Op == FpOp::kSgnj) {
    return static_cast<typename T::Bits>(T::magnitude(magnitude) | (sign & T::kSign));
  } else if constexpr (Op == FpOp::kSgnjn) {
    return static_cast<typename T::Bits>(T::magnitude(magnitude) | (~sign & T::kSign));
  } else {
    return static_cast<typename T::Bits>(magnitude ^ (sign & T::kSign));
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
