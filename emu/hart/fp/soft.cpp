// Every operation has one shape: special operands first, as IEEE 754 and chapter 21 list them, then an Exact
// result, rounded once.
#include "emu/hart/fp/soft.h"

#include <utility>

#include "emu/base/assert.h"
#include "emu/hart/fp/rounding.h"

namespace quire::fp {
namespace {

template <FpFmt F>
using Bits = typename Format<F>::Bits;

template <FpFmt F>
constexpr Bits<F> invalid(Mode& mode) {
  mode.raise(kFlagInvalid);
  return Format<F>::kCanonicalNan;
}

/// The result of an operation with a NaN among its operands.
template <FpFmt F>
constexpr Bits<F> nan_result(Mode& mode, Bits<F> a, Bits<F> b = 0, Bits<F> c = 0) {
  using T = Format<F>;
  if (T::is_signaling(a) || T::is_signaling(b) || T::is_signaling(c)) mode.raise(kFlagInvalid);
  return T::kCanonicalNan;
}

/// The sum of zeros, or of opposite numbers (IEEE 754, 6.3).
template <FpFmt F>
constexpr Bits<F> zero_sum(bool a_negative, bool b_negative, const Mode& mode) {
  const bool negative = a_negative == b_negative ? a_negative : mode.rounding == Rounding::kDown;
  return Format<F>::with_sign(0, negative);
}

/// Sum of two exact values, rounded. The leading bits go to 125: room for a carry above, and below for more
/// bits than cancellation can bring up, which is one where alignment loses any.
template <FpFmt F>
Bits<F> add_exact(const Exact& first, const Exact& second, Mode& mode) {
  Exact a = normalized(first, 125);
  Exact b = normalized(second, 125);
  if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) std::swap(a, b);
  b.sig = shift_right_jam(b.sig, a.exp - b.exp);
  const u128 sig = a.negative == b.negative ? a.sig + b.sig : a.sig - b.sig;
  if (sig == 0) return zero_sum<F>(a.negative, b.negative, mode);
  return round_to<F>({a.negative, a.exp, sig}, mode);
}

template <FpFmt F>
Bits<F> add(Bits<F> a, Bits<F> b, Mode& mode) {
  using T = Format<F>;
  if (T::is_nan(a) || T::is_nan(b)) return nan_result<F>(mode, a, b);
  if (T::is_infinite(a)) return T::is_infinite(b) && a != b ? invalid<F>(mode) : a;
  if (T::is_infinite(b)) return b;
  if (T::is_zero(a)) return T::is_zero(b) ? zero_sum<F>(T::is_negative(a), T::is_negative(b), mode) : b;
  if (T::is_zero(b)) return a;
  return add_exact<F>(exact_value<F>(a), exact_value<F>(b), mode);
}

template <FpFmt F>
Exact multiply_exact(Bits<F> a, Bits<F> b) {
  const Exact x = exact_value<F>(a);
  const Exact y = exact_value<F>(b);
  return {x.negative != y.negative, x.exp + y.exp, x.sig * y.sig};
}

template <FpFmt F>
Bits<F> multiply(Bits<F> a, Bits<F> b, Mode& mode) {
  using T = Format<F>;
  if (T::is_nan(a) || T::is_nan(b)) return nan_result<F>(mode, a, b);
  const bool negative = T::is_negative(a) != T::is_negative(b);
  const bool zero = T::is_zero(a) || T::is_zero(b);
  if (T::is_infinite(a) || T::is_infinite(b)) {
    return zero ? invalid<F>(mode) : T::with_sign(T::kInfinity, negative);
  }
  if (zero) return T::with_sign(0, negative);
  return round_to<F>(multiply_exact<F>(a, b), mode);
}

/// a * b + c with one rounding. Infinity times zero is invalid even if c is a quiet NaN (21.6).
template <FpFmt F>
Bits<F> fused(Bits<F> a, Bits<F> b, Bits<F> c, Mode& mode) {
  using T = Format<F>;
  const bool zero = T::is_zero(a) || T::is_zero(b);
  const bool infinite = T::is_infinite(a) || T::is_infinite(b);
  if (zero && infinite) return invalid<F>(mode);
  if (T::is_nan(a) || T::is_nan(b) || T::is_nan(c)) return nan_result<F>(mode, a, b, c);
  const bool negative = T::is_negative(a) != T::is_negative(b);
  if (infinite) {
    const bool opposite = T::is_infinite(c) && T::is_negative(c) != negative;
    return opposite ? invalid<F>(mode) : T::with_sign(T::kInfinity, negative);
  }
  if (T::is_infinite(c)) return c;
  if (zero) return T::is_zero(c) ? zero_sum<F>(negative, T::is_negative(c), mode) : c;
  const Exact product = multiply_exact<F>(a, b);
  if (T::is_zero(c)) return round_to<F>(product, mode);
  return add_exact<F>(product, exact_value<F>(c), mode);
}

template <FpFmt F>
Bits<F> divide(Bits<F> a, Bits<F> b, Mode& mode) {
  using T = Format<F>;
  if (T::is_nan(a) || T::is_nan(b)) return nan_result<F>(mode, a, b);
  const bool negative = T::is_negative(a) != T::is_negative(b);
  if (T::is_infinite(a)) return T::is_infinite(b) ? invalid<F>(mode) : T::with_sign(T::kInfinity, negative);
  if (T::is_infinite(b)) return T::with_sign(0, negative);
  if (T::is_zero(b)) {
    if (T::is_zero(a)) return invalid<F>(mode);
    mode.raise(kFlagDivideByZero);
    return T::with_sign(T::kInfinity, negative);
  }
  if (T::is_zero(a)) return T::with_sign(0, negative);
  const Exact x = normalized(exact_value<F>(a), 127);
  const Exact y = normalized(exact_value<F>(b), 63);
  const u128 quotient = x.sig / y.sig;  // 64 or 65 bits
  const bool rest = quotient * y.sig != x.sig;
  return round_to<F>({negative, x.exp - y.exp, quotient | (rest ? 1 : 0)}, mode);
}

/// The integer part of the root, a bit at a time from the top; `radicand` is consumed to the remainder.
u64 integer_root(u128& radicand) {
  u128 root = 0;
  for (u128 place = u128{1} << 126; place != 0; place >>= 2) {
    const u128 trial = root + place;
    root >>= 1;
    if (radicand >= trial) {
      radicand -= trial;
      root += place;
    }
  }
  return static_cast<u64>(root);
}

template <FpFmt F>
Bits<F> square_root(Bits<F> a, Mode& mode) {
  using T = Format<F>;
  if (T::is_nan(a)) return nan_result<F>(mode, a);
  if (T::is_zero(a)) return a;
  if (T::is_negative(a)) return invalid<F>(mode);
  if (T::is_infinite(a)) return a;
  Exact x = normalized(exact_value<F>(a), 127);
  if (x.exp % 2 != 0) {
    x.sig >>= 1;  // exact: the low bits are empty
    x.exp += 1;
  }
  const u64 root = integer_root(x.sig);
  return round_to<F>({false, x.exp / 2, root | (x.sig != 0 ? 1U : 0U)}, mode);
}

/// fmin and fmax of IEEE 754-2019: a NaN loses against a number (21.6).
template <FpFmt F>
Bits<F> min_max(Bits<F> a, Bits<F> b, bool want_min, Mode& mode) {
  using T = Format<F>;
  if (T::is_signaling(a) || T::is_signaling(b)) mode.raise(kFlagInvalid);
  if (T::is_nan(a)) return T::is_nan(b) ? T::kCanonicalNan : b;
  if (T::is_nan(b)) return a;
  return below<F>(a, b) == want_min ? a : b;
}

/// fminm and fmaxm: a NaN wins (25.2).
template <FpFmt F>
Bits<F> min_max_or_nan(Bits<F> a, Bits<F> b, bool want_min, Mode& mode) {
  using T = Format<F>;
  if (T::is_nan(a) || T::is_nan(b)) return nan_result<F>(mode, a, b);
  return below<F>(a, b) == want_min ? a : b;
}

/// fround and froundnx: to an integer, in the format (25.3). The sign of a zero is that of the operand.
template <FpFmt F>
Bits<F> round_in_format(FpOp op, Bits<F> v, Mode& mode) {
  using T = Format<F>;
  if (T::is_nan(v)) return nan_result<F>(mode, v);
  if (T::is_infinite(v) || T::is_zero(v)) return v;
  const Exact x = exact_value<F>(v);
  if (x.exp >= 0) return v;
  const auto [magnitude, inexact] = round_to_integer(x, mode.rounding);
  if (inexact && op == FpOp::kRoundnx) mode.raise(kFlagInexact);
  return magnitude == 0 ? T::with_sign(0, x.negative) : round_to<F>({x.negative, 0, magnitude}, mode);
}

/// feq, fltq and fleq are quiet; flt and fle signal any NaN (21.8, 25.6).
template <FpFmt F>
u64 compare(FpOp op, Bits<F> a, Bits<F> b, Mode& mode) {
  using T = Format<F>;
  if (T::is_nan(a) || T::is_nan(b)) {
    const bool quiet = op == FpOp::kEq || op == FpOp::kLtq || op == FpOp::kLeq;
    if (!quiet || T::is_signaling(a) || T::is_signaling(b)) mode.raise(kFlagInvalid);
    return 0;
  }
  const bool equal = a == b || (T::is_zero(a) && T::is_zero(b));
  if (op == FpOp::kEq) return equal ? 1 : 0;
  return equal ? (op == FpOp::kLe || op == FpOp::kLeq ? 1 : 0) : (below<F>(a, b) ? 1 : 0);
}

/// Bounds of an integer type, as magnitudes, and how an x register holds it.
struct IntegerType {
  u64 max;
  u64 min_magnitude;
  bool is_word;

  static constexpr IntegerType of(FpOp op) {
    switch (op) {
      case FpOp::kToW:
        return {0x7fff'ffff, 0x8000'0000, true};
      case FpOp::kToWu:
        return {0xffff'ffff, 0, true};
      case FpOp::kToL:
        return {~u64{0} >> 1, u64{1} << 63, false};
      default:
        return {~u64{0}, 0, false};
    }
  }
  constexpr u64 as_register(u64 value) const {
    return is_word ? static_cast<u64>(static_cast<i64>(static_cast<i32>(value))) : value;
  }
};

/// Out of range gives the nearest bound, a NaN the upper one (table 21.2); invalid then replaces inexact.
template <FpFmt F>
u64 to_integer(FpOp op, Bits<F> v, Mode& mode) {
  using T = Format<F>;
  const IntegerType type = IntegerType::of(op);
  if (T::is_zero(v)) return 0;
  const bool negative = T::is_negative(v) && !T::is_nan(v);
  const u64 bound = negative ? type.min_magnitude : type.max;
  u64 magnitude = bound;
  if (T::is_nan(v) || T::is_infinite(v)) {
    mode.raise(kFlagInvalid);
  } else if (const auto [rounded, inexact] = round_to_integer(exact_value<F>(v), mode.rounding);
             rounded > bound) {
    mode.raise(kFlagInvalid);
  } else {
    magnitude = static_cast<u64>(rounded);
    if (inexact) mode.raise(kFlagInexact);
  }
  return type.as_register(negative ? 0 - magnitude : magnitude);
}

/// fcvtmod.w.d: the low 32 bits of what is left of the point; invalid says that they are not all (25.4).
template <FpFmt F>
u64 to_word_modular(Bits<F> v, Mode& mode) {
  using T = Format<F>;
  if (T::is_zero(v)) return 0;
  if (T::is_nan(v) || T::is_infinite(v)) {
    mode.raise(kFlagInvalid);
    return 0;
  }
  const Exact x = exact_value<F>(v);
  const u64 bound = u64{0x7fff'ffff} + (x.negative ? 1 : 0);
  u64 low = 0;
  if (x.exp >= 0) {  // beyond 2^52
    mode.raise(kFlagInvalid);
    low = x.exp < 32 ? static_cast<u64>(x.sig << x.exp) : 0;
  } else {
    const auto [magnitude, inexact] = round_to_integer(x, Rounding::kTowardZero);
    if (magnitude > bound) {
      mode.raise(kFlagInvalid);
    } else if (inexact) {
      mode.raise(kFlagInexact);
    }
    low = static_cast<u64>(magnitude);
  }
  return static_cast<u64>(i64{static_cast<i32>(x.negative ? 0 - low : low)});
}

template <FpFmt F>
Bits<F> from_integer(FpOp op, u64 reg, Mode& mode) {
  const bool is_word = op == FpOp::kFromW || op == FpOp::kFromWu;
  const bool is_signed = op == FpOp::kFromW || op == FpOp::kFromL;
  const u64 value = !is_word    ? reg
                    : is_signed ? static_cast<u64>(static_cast<i64>(static_cast<i32>(reg)))
                                : static_cast<u32>(reg);
  if (value == 0) return 0;
  const bool negative = is_signed && static_cast<i64>(value) < 0;
  return round_to<F>({negative, 0, negative ? 0 - value : value}, mode);
}

template <FpFmt To, FpFmt From>
Bits<To> from_float(Bits<From> v, Mode& mode) {
  using T = Format<From>;
  if (T::is_nan(v)) {
    nan_result<From>(mode, v);
    return Format<To>::kCanonicalNan;
  }
  if (T::is_infinite(v)) return Format<To>::with_sign(Format<To>::kInfinity, T::is_negative(v));
  if (T::is_zero(v)) return Format<To>::with_sign(0, T::is_negative(v));
  return round_to<To>(exact_value<From>(v), mode);
}

template <FpFmt F>
u64 compute(FpOp op, Mode& mode, u64 ra, u64 rb, u64 rc) {
  using T = Format<F>;
  const Bits<F> a = unbox<F>(ra);
  const Bits<F> b = unbox<F>(rb);
  const Bits<F> c = unbox<F>(rc);
  switch (op) {
    case FpOp::kAdd:
      return box<F>(add<F>(a, b, mode));
    case FpOp::kSub:
      return box<F>(T::is_nan(b) ? nan_result<F>(mode, a, b) : add<F>(a, T::negate(b), mode));
    case FpOp::kMul:
      return box<F>(multiply<F>(a, b, mode));
    case FpOp::kDiv:
      return box<F>(divide<F>(a, b, mode));
    case FpOp::kSqrt:
      return box<F>(square_root<F>(a, mode));
    case FpOp::kMadd:
      return box<F>(fused<F>(a, b, c, mode));
    case FpOp::kMsub:
      return box<F>(fused<F>(a, b, T::negate(c), mode));
    case FpOp::kNmsub:
      return box<F>(fused<F>(T::negate(a), b, c, mode));
    case FpOp::kNmadd:
      return box<F>(fused<F>(T::negate(a), b, T::negate(c), mode));
    case FpOp::kToW:
    case FpOp::kToWu:
    case FpOp::kToL:
    case FpOp::kToLu:
      return to_integer<F>(op, a, mode);
    case FpOp::kFromW:
    case FpOp::kFromWu:
    case FpOp::kFromL:
    case FpOp::kFromLu:
      return box<F>(from_integer<F>(op, ra, mode));
    case FpOp::kFromHalf:
      return box<F>(from_float<F, FpFmt::kHalf>(unbox<FpFmt::kHalf>(ra), mode));
    case FpOp::kFromSingle:
      return box<F>(from_float<F, FpFmt::kSingle>(unbox<FpFmt::kSingle>(ra), mode));
    case FpOp::kFromDouble:
      return box<F>(from_float<F, FpFmt::kDouble>(ra, mode));
    case FpOp::kRound:
    case FpOp::kRoundnx:
      return box<F>(round_in_format<F>(op, a, mode));
    case FpOp::kSgnj:
      return box<F>(sign_inject<FpOp::kSgnj, F>(a, b));
    case FpOp::kSgnjn:
      return box<F>(sign_inject<FpOp::kSgnjn, F>(a, b));
    case FpOp::kSgnjx:
      return box<F>(sign_inject<FpOp::kSgnjx, F>(a, b));
    case FpOp::kMin:
    case FpOp::kMax:
      return box<F>(min_max<F>(a, b, op == FpOp::kMin, mode));
    case FpOp::kMinm:
    case FpOp::kMaxm:
      return box<F>(min_max_or_nan<F>(a, b, op == FpOp::kMinm, mode));
    case FpOp::kEq:
    case FpOp::kLt:
    case FpOp::kLe:
    case FpOp::kLtq:
    case FpOp::kLeq:
      return compare<F>(op, a, b, mode);
    case FpOp::kToWMod:
      return to_word_modular<F>(a, mode);
    case FpOp::kClass:
      return classify<F>(a);
  }
  QUIRE_UNREACHABLE();
}

}  // namespace

SoftResult soft(FpOp op, FpFmt format, Rounding rounding, u64 a, u64 b, u64 c) {
  Mode mode{rounding};
  const auto by_format = [&] {
    switch (format) {
      case FpFmt::kHalf:
        return compute<FpFmt::kHalf>(op, mode, a, b, c);
      case FpFmt::kSingle:
        return compute<FpFmt::kSingle>(op, mode, a, b, c);
      case FpFmt::kDouble:
        return compute<FpFmt::kDouble>(op, mode, a, b, c);
    }
    QUIRE_UNREACHABLE();
  };
  const u64 value = by_format();
  return {value, mode.flags};
}

}  // namespace quire::fp
