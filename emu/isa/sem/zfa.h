// Zfa (Unprivileged ISA 20240411, chapter 25): constants, minimum and maximum that keep NaNs, rounding to an
// integer in the format, quiet comparisons, and conversion modulo 2^32.
#pragma once

#include "emu/isa/sem/fp_shapes.h"

namespace quire {

/// The constants of fli by the number in rs1 (table 25.1), as sign, exponent of two and fraction in eighths;
/// 1, 30 and 31 are those of the format: its least normal number, infinity and the canonical NaN.
struct FliConstant {
  bool negative;
  int exponent;
  unsigned eighths;
};
inline constexpr FliConstant kFliConstants[] = {
    {true, 0, 0},   {false, 0, 0},  {false, -16, 0}, {false, -15, 0}, {false, -8, 0}, {false, -7, 0},
    {false, -4, 0}, {false, -3, 0}, {false, -2, 0},  {false, -2, 2},  {false, -2, 4}, {false, -2, 6},
    {false, -1, 0}, {false, -1, 2}, {false, -1, 4},  {false, -1, 6},  {false, 0, 0},  {false, 0, 2},
    {false, 0, 4},  {false, 0, 6},  {false, 1, 0},   {false, 1, 2},   {false, 1, 4},  {false, 2, 0},
    {false, 3, 0},  {false, 4, 0},  {false, 7, 0},   {false, 8, 0},   {false, 15, 0}, {false, 16, 0},
};

/// `n` in a format with so many bits of exponent and fraction, NaN-boxed.
constexpr u64 fli_value(unsigned n, int exponent_bits, int fraction_bits) {
  const int width = 1 + exponent_bits + fraction_bits;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const u64 infinity = ((u64{1} << exponent_bits) - 1) << fraction_bits;
  const u64 box = width == 64 ? 0 : ~u64{0} << width;
  if (n == 1) return box | u64{1} << fraction_bits;
  if (n == 30) return box | infinity;
  if (n == 31) return box | infinity | u64{1} << (fraction_bits - 1);
  const FliConstant& k = kFliConstants[n];
  const int exponent = k.exponent + bias;
  if (exponent >= (1 << exponent_bits) - 1) return box | infinity;  // 2^16 as a half
  // Halves of 2^-15 and 2^-16 are subnormal: one bit, below the fraction's first.
  const u64 magnitude =
      exponent > 0 ? static_cast<u64>(exponent) << fraction_bits | u64{k.eighths} << (fraction_bits - 3)
                   : u64{1} << (fraction_bits - 1 + exponent);
  return box | magnitude | (k.negative ? u64{1} << (width - 1) : 0);
}

template <FpFmt Format, class C>
[[gnu::always_inline]] inline bool sem_fli(C& c, const Insn& i) {
  if (!c.require_fp(i)) return false;
  constexpr int kExponentBits = Format == FpFmt::kHalf ? 5 : Format == FpFmt::kSingle ? 8 : 11;
  constexpr int kFractionBits = Format == FpFmt::kHalf ? 10 : Format == FpFmt::kSingle ? 23 : 52;
  c.set_f(i.rd, c.imm(static_cast<i64>(fli_value(i.rs1, kExponentBits, kFractionBits))));
  return true;
}

QUIRE_SEM bool sem_fli_s(C& c, const Insn& i) { return sem_fli<FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fminm_s(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kMinm, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fmaxm_s(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kMaxm, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fround_s(C& c, const Insn& i) { return sem_fp_unary<FpOp::kRound, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_froundnx_s(C& c, const Insn& i) {
  return sem_fp_unary<FpOp::kRoundnx, FpFmt::kSingle>(c, i);
}
QUIRE_SEM bool sem_fleq_s(C& c, const Insn& i) { return sem_fp_compare<FpOp::kLeq, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fltq_s(C& c, const Insn& i) { return sem_fp_compare<FpOp::kLtq, FpFmt::kSingle>(c, i); }

QUIRE_SEM bool sem_fli_d(C& c, const Insn& i) { return sem_fli<FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fminm_d(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kMinm, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fmaxm_d(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kMaxm, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fround_d(C& c, const Insn& i) { return sem_fp_unary<FpOp::kRound, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_froundnx_d(C& c, const Insn& i) {
  return sem_fp_unary<FpOp::kRoundnx, FpFmt::kDouble>(c, i);
}
QUIRE_SEM bool sem_fleq_d(C& c, const Insn& i) { return sem_fp_compare<FpOp::kLeq, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fltq_d(C& c, const Insn& i) { return sem_fp_compare<FpOp::kLtq, FpFmt::kDouble>(c, i); }

QUIRE_SEM bool sem_fli_h(C& c, const Insn& i) { return sem_fli<FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fminm_h(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kMinm, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fmaxm_h(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kMaxm, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fround_h(C& c, const Insn& i) { return sem_fp_unary<FpOp::kRound, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_froundnx_h(C& c, const Insn& i) {
  return sem_fp_unary<FpOp::kRoundnx, FpFmt::kHalf>(c, i);
}
QUIRE_SEM bool sem_fleq_h(C& c, const Insn& i) { return sem_fp_compare<FpOp::kLeq, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fltq_h(C& c, const Insn& i) { return sem_fp_compare<FpOp::kLtq, FpFmt::kHalf>(c, i); }

QUIRE_SEM bool sem_fcvtmod_w_d(C& c, const Insn& i) {
  return sem_fp_to_x<FpOp::kToWMod, FpFmt::kDouble>(c, i);
}

}  // namespace quire
