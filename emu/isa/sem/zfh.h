// Zfhmin and Zfh (Unprivileged ISA 20240411, chapter 24): half precision.
#pragma once

#include "emu/isa/sem/fp_shapes.h"

namespace quire {

/// The upper part of an f register that holds a half (24.3, 21.2).
inline constexpr i64 kHalfBox = static_cast<i64>(0xffff'ffff'ffff'0000);

// --- Zfhmin: loads, stores, moves ---

QUIRE_SEM bool sem_flh(C& c, const Insn& i) {
  if (!c.require_fp(i)) return false;
  const auto base = c.x(i.rs1);
  const auto offset = c.imm(i.imm);
  const auto addr = base + offset;
  typename C::U64 value;
  if (!c.template load<2>(addr, value)) return false;
  c.set_f(i.rd, value | c.imm(kHalfBox));
  return true;
}

QUIRE_SEM bool sem_fsh(C& c, const Insn& i) {
  if (!c.require_fp(i)) return false;
  const auto base = c.x(i.rs1);
  const auto offset = c.imm(i.imm);
  const auto addr = base + offset;
  const auto value = c.f(i.rs2);
  return c.template store<2>(addr, value);
}

QUIRE_SEM bool sem_fmv_x_h(C& c, const Insn& i) {
  if (!c.require_fp(i)) return false;
  const auto value = c.f(i.rs1);
  c.set_x(i.rd, c.sext(value, 16));
  return true;
}

QUIRE_SEM bool sem_fmv_h_x(C& c, const Insn& i) {
  if (!c.require_fp(i)) return false;
  const auto value = c.x(i.rs1);
  const auto low = c.zext(value, 16);
  c.set_f(i.rd, low | c.imm(kHalfBox));
  return true;
}

// --- Zfhmin: conversion between formats ---

QUIRE_SEM bool sem_fcvt_s_h(C& c, const Insn& i) {
  return sem_fp_unary<FpOp::kFromHalf, FpFmt::kSingle>(c, i);
}
QUIRE_SEM bool sem_fcvt_d_h(C& c, const Insn& i) {
  return sem_fp_unary<FpOp::kFromHalf, FpFmt::kDouble>(c, i);
}
QUIRE_SEM bool sem_fcvt_h_s(C& c, const Insn& i) {
  return sem_fp_unary<FpOp::kFromSingle, FpFmt::kHalf>(c, i);
}
QUIRE_SEM bool sem_fcvt_h_d(C& c, const Insn& i) {
  return sem_fp_unary<FpOp::kFromDouble, FpFmt::kHalf>(c, i);
}

// --- Zfh ---

QUIRE_SEM bool sem_fadd_h(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kAdd, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fsub_h(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kSub, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fmul_h(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kMul, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fdiv_h(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kDiv, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fsqrt_h(C& c, const Insn& i) { return sem_fp_unary<FpOp::kSqrt, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fmadd_h(C& c, const Insn& i) { return sem_fp_fused<FpOp::kMadd, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fmsub_h(C& c, const Insn& i) { return sem_fp_fused<FpOp::kMsub, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fnmsub_h(C& c, const Insn& i) { return sem_fp_fused<FpOp::kNmsub, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fnmadd_h(C& c, const Insn& i) { return sem_fp_fused<FpOp::kNmadd, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fsgnj_h(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kSgnj, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fsgnjn_h(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kSgnjn, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fsgnjx_h(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kSgnjx, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fmin_h(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kMin, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fmax_h(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kMax, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_feq_h(C& c, const Insn& i) { return sem_fp_compare<FpOp::kEq, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_flt_h(C& c, const Insn& i) { return sem_fp_compare<FpOp::kLt, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fle_h(C& c, const Insn& i) { return sem_fp_compare<FpOp::kLe, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fclass_h(C& c, const Insn& i) { return sem_fp_to_x<FpOp::kClass, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fcvt_w_h(C& c, const Insn& i) { return sem_fp_to_x<FpOp::kToW, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fcvt_wu_h(C& c, const Insn& i) { return sem_fp_to_x<FpOp::kToWu, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fcvt_l_h(C& c, const Insn& i) { return sem_fp_to_x<FpOp::kToL, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fcvt_lu_h(C& c, const Insn& i) { return sem_fp_to_x<FpOp::kToLu, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fcvt_h_w(C& c, const Insn& i) { return sem_fp_from_x<FpOp::kFromW, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fcvt_h_wu(C& c, const Insn& i) { return sem_fp_from_x<FpOp::kFromWu, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fcvt_h_l(C& c, const Insn& i) { return sem_fp_from_x<FpOp::kFromL, FpFmt::kHalf>(c, i); }
QUIRE_SEM bool sem_fcvt_h_lu(C& c, const Insn& i) { return sem_fp_from_x<FpOp::kFromLu, FpFmt::kHalf>(c, i); }

}  // namespace quire
