// Floating point on the host: a few instructions an operation, with the hart's rounding mode and flags held
// in MXCSR (emu/hart/fp/env.h).
//
// host() either computes the architectural result, its flags accruing in MXCSR, or declines; then soft()
// computes it, and whatever flags the attempt left behind are among those soft() raises. It declines where
// the host's answer would differ or be hard to tell: NaN results, singles that are not boxed, rounding modes
// the host is not set to, conversions out of range. The instructions are volatile assembly, because a
// compiler takes intrinsics for pure expressions and may move them across a change of MXCSR.
#pragma once

#include <bit>

#include "emu/hart/fp/env.h"
#include "emu/hart/fp/format.h"

namespace quire::fp {

#if defined(__x86_64__)

namespace detail {

template <FpFmt F>
using HostFloat = std::conditional_t<F == FpFmt::kSingle, float, double>;

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

template <FpFmt To>
[[gnu::always_inline]] inline bool host_from_float(u64 reg, u64& out) {
  if constexpr (To == FpFmt::kSingle) {
    float result = 0;
    asm volatile("cvtsd2ss %1, %0" : "+x"(result) : "x"(to_host<FpFmt::kDouble>(reg)));
    return deliver<To>(result, out);
  } else {
    double result = 0;
    asm volatile("cvtss2sd %1, %0" : "+x"(result) : "x"(to_host<FpFmt::kSingle>(reg)));
    return deliver<To>(result, out);
  }
}

}  // namespace detail

/// Whether it was done: `out` is the result register. See the head of the file.
template <FpOp Op, FpFmt F>
[[gnu::always_inline]] inline bool host(const Env& env, u8 rm, u64 a, u64 b, u64 c, u64& out) {
  constexpr bool kToInt = Op >= FpOp::kToW && Op <= FpOp::kToLu;
  constexpr bool kFromInt = Op >= FpOp::kFromW && Op <= FpOp::kFromLu;
  constexpr bool kFused = Op >= FpOp::kMadd && Op <= FpOp::kNmadd;
  constexpr bool kUnary = Op == FpOp::kSqrt || kToInt || Op == FpOp::kFromFloat || Op == FpOp::kClass;
  constexpr FpFmt kOther = F == FpFmt::kSingle ? FpFmt::kDouble : FpFmt::kSingle;
  constexpr FpFmt kOperand = Op == FpOp::kFromFloat ? kOther : F;

  const bool truncate = kToInt && rm == static_cast<u8>(Rounding::kTowardZero);
  if constexpr (has_rounding_mode(Op)) {
    const unsigned usable = env.fast_rm;
    if (truncate ? usable == 0 : ((usable >> rm) & 1) == 0) return false;
  } else {
    if (env.fast_rm == 0) return false;
  }
  if constexpr (kFused) {
    if (env.host_has_fma == 0) return false;
  }
  if constexpr (kOperand == FpFmt::kSingle && !kFromInt) {
    const u64 boxes = kUnary ? a : kFused ? a & b & c : a & b;
    if (!is_boxed<FpFmt::kSingle>(boxes)) return false;
  }

  if constexpr (kFused) {
    return detail::host_fused<Op, F>(a, b, c, out);
  } else if constexpr (kToInt) {
    return detail::host_to_int<Op, F>(a, truncate, out);
  } else if constexpr (kFromInt) {
    return detail::host_from_int<Op, F>(a, out);
  } else if constexpr (Op == FpOp::kFromFloat) {
    return detail::host_from_float<F>(a, out);
  } else if constexpr (Op == FpOp::kSgnj || Op == FpOp::kSgnjn || Op == FpOp::kSgnjx) {
    using Bits = typename Format<F>::Bits;
    out = box<F>(sign_inject<Op, F>(static_cast<Bits>(a), static_cast<Bits>(b)));
    return true;
  } else if constexpr (Op == FpOp::kMin || Op == FpOp::kMax) {
    using Bits = typename Format<F>::Bits;
    const Bits x = static_cast<Bits>(a);
    const Bits y = static_cast<Bits>(b);
    if (Format<F>::is_nan(x) || Format<F>::is_nan(y)) return false;
    out = below<F>(x, y) == (Op == FpOp::kMin) ? a : b;
    return true;
  } else if constexpr (Op == FpOp::kEq) {
    auto mask = detail::to_host<F>(a);
    detail::sse_equal(mask, detail::to_host<F>(b));
    out = detail::host_bits<F>(mask) & 1;
    return true;
  } else if constexpr (Op == FpOp::kLt) {
    out = detail::sse_less(detail::to_host<F>(a), detail::to_host<F>(b)) ? 1 : 0;
    return true;
  } else if constexpr (Op == FpOp::kLe) {
    out = detail::sse_less_equal(detail::to_host<F>(a), detail::to_host<F>(b)) ? 1 : 0;
    return true;
  } else if constexpr (Op == FpOp::kClass) {
    out = classify<F>(static_cast<typename Format<F>::Bits>(a));
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
