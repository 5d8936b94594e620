// Floating point on the host: a few instructions an operation, with the hart's rounding mode and flags held
// in MXCSR (emu/hart/fp/env.h).
//
// host() either computes the architectural result, its flags accruing in MXCSR, or declines; then soft()
// computes it, and whatever flags the attempt left behind are among those soft() raises. It declines where
// the host's answer would differ or be hard to tell: NaN results, operands that are not boxed, rounding modes
// the host is not set to, conversions out of range. Halves are computed as singles and converted: with 24
// bits for 11 the second rounding changes nothing but in fused operations and from doubles, which are
// declined. The instructions are volatile assembly, because a compiler takes intrinsics for pure expressions
// and may move them across a change of MXCSR.
#pragma once

#include <bit>

#include "emu/hart/fp/env.h"
#include "emu/hart/fp/format.h"

namespace quire::fp {

#if defined(__x86_64__)

namespace detail {

template <FpFmt F>
using HostFloat = std::conditional_t<F == FpFmt::kDouble, double, float>;

template <FpFmt F>
[[gnu::always_inline]] inline HostFloat<F> to_host(u64 reg) {
  return std::bit_cast<HostFloat<F>>(static_cast<typename Format<F>::Bits>(reg));
}
template <FpFmt F>
[[gnu::always_inline]] inline typename Format<F>::Bits host_bits(HostFloat<F> v) {
  return std::bit_cast<typename Format<F>::Bits>(v);
}

/// Stores a result unless it is a NaN. The comparison is quiet: an operation's NaN never is signaling.
template <FpFmt F>
[[gnu::always_inline]] inline bool deliver(HostFloat<F> v, u64& out) {
  if (__builtin_expect(v != v, 0)) return false;
  out = box<F>(host_bits<F>(v));
  return true;
}

// "+x" on a zeroed result where the instruction would keep its upper part: no false dependency.
#define QUIRE_SSE(name, instruction)                             \
  [[gnu::always_inline]] inline void name(float& a, float b) {   \
    asm volatile(instruction "ss %1, %0" : "+x"(a) : "x"(b));    \
  }                                                              \
  [[gnu::always_inline]] inline void name(double& a, double b) { \
    asm volatile(instruction "sd %1, %0" : "+x"(a) : "x"(b));    \
  }
QUIRE_SSE(sse_add, "add")
QUIRE_SSE(sse_sub, "sub")
QUIRE_SSE(sse_mul, "mul")
QUIRE_SSE(sse_div, "div")
QUIRE_SSE(sse_sqrt, "sqrt")
QUIRE_SSE(sse_equal, "cmpeq")
#undef QUIRE_SSE

/// a = a * b + c in the four variants of sign.
#define QUIRE_FMA(name, instruction)                                         \
  [[gnu::always_inline]] inline void name(float& a, float b, float c) {      \
    asm volatile(instruction "213ss %2, %1, %0" : "+x"(a) : "x"(b), "x"(c)); \
  }                                                                          \
  [[gnu::always_inline]] inline void name(double& a, double b, double c) {   \
    asm volatile(instruction "213sd %2, %1, %0" : "+x"(a) : "x"(b), "x"(c)); \
  }
QUIRE_FMA(fma_madd, "vfmadd")
QUIRE_FMA(fma_msub, "vfmsub")
QUIRE_FMA(fma_nmsub, "vfnmadd")  // -(a*b)+c: the two architectures name the negated forms crosswise
QUIRE_FMA(fma_nmadd, "vfnmsub")
#undef QUIRE_FMA

/// a < b or a <= b, signaling any NaN: "above" is false where the operands are unordered.
[[gnu::always_inline]] inline bool sse_less(float a, float b) {
  bool result;
  asm volatile("comiss %1, %2" : "=@cca"(result) : "x"(a), "x"(b));
  return result;
}
[[gnu::always_inline]] inline bool sse_less(double a, double b) {
  bool result;
  asm volatile("comisd %1, %2" : "=@cca"(result) : "x"(a), "x"(b));
  return result;
}
[[gnu::always_inline]] inline bool sse_less_equal(float a, float b) {
  bool result;
  asm volatile("comiss %1, %2" : "=@ccae"(result) : "x"(a), "x"(b));
  return result;
}
[[gnu::always_inline]] inline bool sse_less_equal(double a, double b) {
  bool result;
  asm volatile("comisd %1, %2" : "=@ccae"(result) : "x"(a), "x"(b));
  return result;
}

/// a < b or a <= b, where only a signaling NaN is invalid.
#define QUIRE_QUIET_COMPARE(name, condition, type, instruction)                      \
  [[gnu::always_inline]] inline bool name(type a, type b) {                          \
    bool result;                                                                     \
    asm volatile(instruction " %1, %2" : "=@cc" condition(result) : "x"(a), "x"(b)); \
    return result;                                                                   \
  }
QUIRE_QUIET_COMPARE(sse_less_quiet, "a", float, "ucomiss")
QUIRE_QUIET_COMPARE(sse_less_quiet, "a", double, "ucomisd")
QUIRE_QUIET_COMPARE(sse_less_equal_quiet, "ae", float, "ucomiss")
QUIRE_QUIET_COMPARE(sse_less_equal_quiet, "ae", double, "ucomisd")
#undef QUIRE_QUIET_COMPARE

/// To an integer in the format. Bits 2..0 of the immediate are the rounding mode, 4 being MXCSR's; bit 3
/// suppresses inexact.
template <unsigned Immediate>
[[gnu::always_inline]] inline void sse_round(float& v) {
  asm volatile("roundss %1, %0, %0" : "+x"(v) : "i"(Immediate));
}
template <unsigned Immediate>
[[gnu::always_inline]] inline void sse_round(double& v) {
  asm volatile("roundsd %1, %0, %0" : "+x"(v) : "i"(Immediate));
}

/// Between the low half of a register and a single; to a half, rounding as MXCSR says.
[[gnu::always_inline]] inline float single_of_half(u64 reg) {
  float result;
  asm volatile("vmovd %k1, %0\n\tvcvtph2ps %0, %0" : "=x"(result) : "r"(reg & 0xffff));
  return result;
}
/// Four singles are converted, so that the other three had better be zeros.
[[gnu::always_inline]] inline u64 half_of_single(float v) {
  u64 result;
  float scratch;
  asm volatile("vmovd %k2, %1\n\tvcvtps2ph $4, %1, %1\n\tvmovd %1, %k0"
               : "=r"(result), "=x"(scratch)
               : "r"(std::bit_cast<u32>(v)));
  return box<FpFmt::kHalf>(static_cast<u16>(result));
}

/// To an integer of 32 or 64 bits, rounding as MXCSR says or truncating.
#define QUIRE_TO_INT(type, mnemonic, suffix)                                       \
  [[gnu::always_inline]] inline void sse_to_int(type v, bool truncate, i32& out) { \
    if (truncate) {                                                                \
      asm volatile("cvtt" mnemonic " %1, %k0" : "=r"(out) : "x"(v));               \
    } else {                                                                       \
      asm volatile("cvt" mnemonic " %1, %k0" : "=r"(out) : "x"(v));                \
    }                                                                              \
  }                                                                                \
  [[gnu::always_inline]] inline void sse_to_int(type v, bool truncate, i64& out) { \
    if (truncate) {                                                                \
      asm volatile("cvtt" mnemonic " %1, %q0" : "=r"(out) : "x"(v));               \
    } else {                                                                       \
      asm volatile("cvt" mnemonic " %1, %q0" : "=r"(out) : "x"(v));                \
    }                                                                              \
  }                                                                                \
  [[gnu::always_inline]] inline void sse_from_int(i32 v, type& out) {              \
    out = 0;                                                                       \
    asm volatile("cvtsi2" suffix "l %1, %0" : "+x"(out) : "r"(v));                 \
  }                                                                                \
  [[gnu::always_inline]] inline void sse_from_int(i64 v, type& out) {              \
    out = 0;                                                                       \
    asm volatile("cvtsi2" suffix "q %1, %0" : "+x"(out) : "r"(v));                 \
  }
QUIRE_TO_INT(float, "ss2si", "ss")
QUIRE_TO_INT(double, "sd2si", "sd")
#undef QUIRE_TO_INT

template <FpOp Op, FpFmt F>
[[gnu::always_inline]] inline bool host_arithmetic(u64 ra, u64 rb, u64& out) {
  HostFloat<F> a = to_host<F>(ra);
  const HostFloat<F> b = to_host<F>(rb);
  if constexpr (Op == FpOp::kAdd) {
    sse_add(a, b);
  } else if constexpr (Op == FpOp::kSub) {
    sse_sub(a, b);
  } else if constexpr (Op == FpOp::kMul) {
    sse_mul(a, b);
  } else if constexpr (Op == FpOp::kDiv) {
    sse_div(a, b);
  } else {
    static_assert(Op == FpOp::kSqrt);
    sse_sqrt(a, a);
  }
  return deliver<F>(a, out);
}

/// A NaN result goes to soft(): for infinity times zero plus a quiet NaN the host does not flag invalid.
template <FpOp Op, FpFmt F>
[[gnu::always_inline]] inline bool host_fused(u64 ra, u64 rb, u64 rc, u64& out) {
  HostFloat<F> a = to_host<F>(ra);
  const HostFloat<F> b = to_host<F>(rb);
  const HostFloat<F> c = to_host<F>(rc);
  if constexpr (Op == FpOp::kMadd) {
    fma_madd(a, b, c);
  } else if constexpr (Op == FpOp::kMsub) {
    fma_msub(a, b, c);
  } else if constexpr (Op == FpOp::kNmsub) {
    fma_nmsub(a, b, c);
  } else {
    static_assert(Op == FpOp::kNmadd);
    fma_nmadd(a, b, c);
  }
  return deliver<F>(a, out);
}

/// Signed results: the host answers "integer indefinite", the least value, for what is out of range, and
/// flags invalid only. Unsigned results: only what surely is in range is tried, lest the host flag inexact.
template <FpOp Op, FpFmt F>
[[gnu::always_inline]] inline bool host_to_int(u64 reg, bool truncate, u64& out) {
  const HostFloat<F> v = to_host<F>(reg);
  if constexpr (Op == FpOp::kToW) {
    i32 result;
    sse_to_int(v, truncate, result);
    out = static_cast<u64>(static_cast<i64>(result));
    return result != INT32_MIN;
  } else if constexpr (Op == FpOp::kToL) {
    i64 result;
    sse_to_int(v, truncate, result);
    out = static_cast<u64>(result);
    return result != INT64_MIN;
  } else {
    // The format's last value below the bound (for double to 32 bits: the last that cannot round up to it).
    // As bit patterns, positive numbers are in order and below all negative ones.
    constexpr bool kSingle = F == FpFmt::kSingle;
    constexpr HostFloat<F> kTop = Op == FpOp::kToWu ? (kSingle ? 0x1p32 - 0x1p8 : 0x1p32 - 1)
                                                    : (kSingle ? 0x1p63 - 0x1p39 : 0x1p63 - 0x1p10);
    if (host_bits<F>(v) > std::bit_cast<typename Format<F>::Bits>(kTop)) return false;
    i64 result;
    sse_to_int(v, truncate, result);
    out = Op == FpOp::kToWu ? static_cast<u64>(static_cast<i64>(static_cast<i32>(result)))
                            : static_cast<u64>(result);
    return true;
  }
}

template <FpOp Op, FpFmt F>
[[gnu::always_inline]] inline bool host_from_int(u64 reg, u64& out) {
  HostFloat<F> result;
  if constexpr (Op == FpOp::kFromW) {
    sse_from_int(static_cast<i32>(reg), result);
  } else if constexpr (Op == FpOp::kFromWu) {
    sse_from_int(static_cast<i64>(static_cast<u32>(reg)), result);
  } else {
    if (Op == FpOp::kFromLu && static_cast<i64>(reg) < 0) return false;
    sse_from_int(static_cast<i64>(reg), result);
  }
  out = box<F>(host_bits<F>(result));
  return true;
}

template <FpOp Op, FpFmt F>
[[gnu::always_inline]] inline bool host_round(u64 reg, u8 rm, u64& out) {
  constexpr unsigned kQuiet = Op == FpOp::kRound ? 8 : 0;
  HostFloat<F> v = to_host<F>(reg);
  switch (static_cast<Rounding>(rm)) {
    case Rounding::kNearestEven:
      sse_round<kQuiet | 0>(v);
      break;
    case Rounding::kTowardZero:
      sse_round<kQuiet | 3>(v);
      break;
    case Rounding::kDown:
      sse_round<kQuiet | 1>(v);
      break;
    case Rounding::kUp:
      sse_round<kQuiet | 2>(v);
      break;
    default:
      sse_round<kQuiet | 4>(v);
      break;
  }
  return deliver<F>(v, out);
}

template <FpOp Op, FpFmt F>
[[gnu::always_inline]] inline bool host_compare(HostFloat<F> a, HostFloat<F> b) {
  if constexpr (Op == FpOp::kEq) {
    sse_equal(a, b);
    return (std::bit_cast<std::conditional_t<F == FpFmt::kDouble, u64, u32>>(a) & 1) != 0;
  } else if constexpr (Op == FpOp::kLt) {
    return sse_less(a, b);
  } else if constexpr (Op == FpOp::kLe) {
    return sse_less_equal(a, b);
  } else if constexpr (Op == FpOp::kLtq) {
    return sse_less_quiet(a, b);
  } else {
    static_assert(Op == FpOp::kLeq);
    return sse_less_equal_quiet(a, b);
  }
}

template <FpOp From, FpFmt To>
[[gnu::always_inline]] inline bool host_from_float(u64 reg, u64& out) {
  if constexpr (From == FpOp::kFromHalf) {
    const float single = single_of_half(reg);
    if (__builtin_expect(single != single, 0)) return false;
    if constexpr (To == FpFmt::kSingle) {
      out = box<To>(host_bits<To>(single));
      return true;
    } else {
      return host_from_float<FpOp::kFromSingle, To>(host_bits<FpFmt::kSingle>(single), out);
    }
  } else if constexpr (To == FpFmt::kHalf) {
    static_assert(From == FpOp::kFromSingle);
    const float single = to_host<FpFmt::kSingle>(reg);
    if (__builtin_expect(single != single, 0)) return false;
    out = half_of_single(single);
    return true;
  } else if constexpr (To == FpFmt::kSingle) {
    float result = 0;
    asm volatile("cvtsd2ss %1, %0" : "+x"(result) : "x"(to_host<FpFmt::kDouble>(reg)));
    return deliver<To>(result, out);
  } else {
    double result = 0;
    asm volatile("cvtss2sd %1, %0" : "+x"(result) : "x"(to_host<FpFmt::kSingle>(reg)));
    return deliver<To>(result, out);
  }
}

/// Operations on halves as those on singles, and the result back.
template <FpOp Op>
[[gnu::always_inline]] inline bool host_half(u64 ra, u64 rb, u8 rm, bool truncate, u64& out) {
  constexpr FpFmt kVia = FpFmt::kSingle;
  if constexpr (Op >= FpOp::kFromW && Op <= FpOp::kFromLu) {
    if (!host_from_int<Op, kVia>(ra, out)) return false;
    out = half_of_single(to_host<kVia>(out));
    return true;
  } else {
    const float a = single_of_half(ra);
    const u64 single_a = host_bits<kVia>(a);
    if constexpr (Op >= FpOp::kToW && Op <= FpOp::kToLu) {
      return host_to_int<Op, kVia>(single_a, truncate, out);
    } else if constexpr (Op >= FpOp::kEq && Op <= FpOp::kLeq) {
      const float b = single_of_half(rb);
      // Converted, a signaling NaN is none any more.
      if (__builtin_expect(a != a || b != b, 0)) return false;
      out = host_compare<Op, kVia>(a, b) ? 1 : 0;
      return true;
    } else {
      u64 single = 0;
      bool done;
      if constexpr (Op == FpOp::kRound || Op == FpOp::kRoundnx) {
        done = host_round<Op, kVia>(single_a, rm, single);
      } else {
        const u64 single_b = Op == FpOp::kSqrt ? 0 : host_bits<kVia>(single_of_half(rb));
        done = host_arithmetic<Op, kVia>(single_a, single_b, single);
      }
      if (!done) return false;
      out = half_of_single(to_host<kVia>(single));
      return true;
    }
  }
}

}  // namespace detail

/// Whether it was done: `out` is the result register. See the head of the file.
template <FpOp Op, FpFmt F>
[[gnu::always_inline]] inline bool host(const Env& env, u8 rm, u64 a, u64 b, u64 c, u64& out) {
  using Bits = typename Format<F>::Bits;
  constexpr bool kToInt = Op >= FpOp::kToW && Op <= FpOp::kToLu;
  constexpr bool kFromInt = Op >= FpOp::kFromW && Op <= FpOp::kFromLu;
  constexpr bool kFromFloat = Op >= FpOp::kFromHalf && Op <= FpOp::kFromDouble;
  constexpr bool kRounds = Op == FpOp::kRound || Op == FpOp::kRoundnx;
  constexpr bool kFused = Op >= FpOp::kMadd && Op <= FpOp::kNmadd;
  constexpr bool kCompares = Op >= FpOp::kEq && Op <= FpOp::kLeq;
  constexpr bool kUnary =
      Op == FpOp::kSqrt || kToInt || kFromFloat || kRounds || Op == FpOp::kToWMod || Op == FpOp::kClass;
  constexpr FpFmt kOperand = Op == FpOp::kFromHalf     ? FpFmt::kHalf
                             : Op == FpOp::kFromSingle ? FpFmt::kSingle
                             : Op == FpOp::kFromDouble ? FpFmt::kDouble
                                                       : F;
  constexpr bool kHalves = F == FpFmt::kHalf || kOperand == FpFmt::kHalf;
  constexpr bool kOnBits = Op >= FpOp::kSgnj && Op <= FpOp::kMaxm;
  // What takes the mode from the instruction, whatever the host is set to.
  const bool own_mode = (kToInt && rm == static_cast<u8>(Rounding::kTowardZero)) ||
                        (kRounds && rm <= static_cast<u8>(Rounding::kUp));
  if constexpr (has_rounding_mode(Op)) {
    const unsigned usable = env.fast_rm;
    if (own_mode ? usable == 0 : ((usable >> rm) & 1) == 0) return false;
  } else {
    if (env.fast_rm == 0) return false;
  }
  if constexpr (kFused || kRounds) {
    if (env.host_has_fma == 0) return false;  // and with it comes SSE4.1
  }
  if constexpr (kHalves && !kOnBits && Op != FpOp::kClass) {
    if (env.host_has_f16c == 0) return false;
  }
  if constexpr (!kFromInt) {
    const u64 boxes = kUnary ? a : kFused ? a & b & c : a & b;
    if (!is_boxed<kOperand>(boxes)) return false;
  }

  if constexpr (kHalves && (kFused || Op == FpOp::kFromDouble)) {
    return false;
  } else if constexpr (Op == FpOp::kSgnj || Op == FpOp::kSgnjn || Op == FpOp::kSgnjx) {
    out = box<F>(sign_inject<Op, F>(static_cast<Bits>(a), static_cast<Bits>(b)));
    return true;
  } else if constexpr (kOnBits) {  // minimum and maximum
    const Bits x = static_cast<Bits>(a);
    const Bits y = static_cast<Bits>(b);
    if (Format<F>::is_nan(x) || Format<F>::is_nan(y)) return false;
    out = below<F>(x, y) == (Op == FpOp::kMin || Op == FpOp::kMinm) ? a : b;
    return true;
  } else if constexpr (Op == FpOp::kClass) {
    out = classify<F>(static_cast<Bits>(a));
    return true;
  } else if constexpr (kFromFloat) {
    return detail::host_from_float<Op, F>(a, out);
  } else if constexpr (F == FpFmt::kHalf) {
    return detail::host_half<Op>(a, b, rm, own_mode, out);
  } else if constexpr (kFused) {
    return detail::host_fused<Op, F>(a, b, c, out);
  } else if constexpr (kToInt) {
    return detail::host_to_int<Op, F>(a, own_mode, out);
  } else if constexpr (Op == FpOp::kToWMod) {
    return detail::host_to_int<FpOp::kToW, F>(a, true, out);
  } else if constexpr (kFromInt) {
    return detail::host_from_int<Op, F>(a, out);
  } else if constexpr (kRounds) {
    return detail::host_round<Op, F>(a, rm, out);
  } else if constexpr (kCompares) {
    out = detail::host_compare<Op, F>(detail::to_host<F>(a), detail::to_host<F>(b)) ? 1 : 0;
    return true;
  } else {
    return detail::host_arithmetic<Op, F>(a, b, out);
  }
}

#else

/// Hosts without a path of their own always decline.
template <FpOp Op, FpFmt F>
inline bool host(const Env&, u8, u64, u64, u64, u64&) {
  return false;
}

#endif

}  // namespace quire::fp
