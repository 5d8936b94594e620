// RV64D (Unprivileged ISA 20240411, chapter 22), with fcvt.d.s.
#pragma once

#include "emu/isa/sem/fp_shapes.h"

namespace quire {

// --- loads, stores and moves: bits, whatever they mean; FS is checked before memory ---

QUIRE_SEM bool sem_fld(C& c, const Insn& i) {
  if (!c.require_fp(i)) return false;
  const auto base = c.x(i.rs1);
  const auto offset = c.imm(i.imm);
  const auto addr = base + offset;
  typename C::U64 value;
  if (!c.template load<8>(addr, value)) return false;
  c.set_f(i.rd, value);
  return true;
}

QUIRE_SEM bool sem_fsd(C& c, const Insn& i) {
  if (!c.require_fp(i)) return false;
  const auto base = c.x(i.rs1);
  const auto offset = c.imm(i.imm);
  const auto addr = base + offset;
  const auto value = c.f(i.rs2);
  return c.template store<8>(addr, value);
}

QUIRE_SEM bool sem_fmv_x_d(C& c, const Insn& i) {
  if (!c.require_fp(i)) return false;
  const auto value = c.f(i.rs1);
  c.set_x(i.rd, value);
  return true;
}

QUIRE_SEM bool sem_fmv_d_x(C& c, const Insn& i) {
  if (!c.require_fp(i)) return false;
  const auto value = c.x(i.rs1);
  c.set_f(i.rd, value);
  return true;
}

// --- arithmetic ---

QUIRE_SEM bool sem_fadd_d(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kAdd, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fsub_d(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kSub, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fmul_d(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kMul, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fdiv_d(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kDiv, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fsqrt_d(C& c, const Insn& i) { return sem_fp_unary<FpOp::kSqrt, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fmadd_d(C& c, const Insn& i) { return sem_fp_fused<FpOp::kMadd, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fmsub_d(C& c, const Insn& i) { return sem_fp_fused<FpOp::kMsub, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fnmsub_d(C& c, const Insn& i) { return sem_fp_fused<FpOp::kNmsub, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fnmadd_d(C& c, const Insn& i) { return sem_fp_fused<FpOp::kNmadd, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fsgnj_d(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kSgnj, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fsgnjn_d(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kSgnjn, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fsgnjx_d(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kSgnjx, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fmin_d(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kMin, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fmax_d(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kMax, FpFmt::kDouble>(c, i); }

// --- comparison, classification ---

QUIRE_SEM bool sem_feq_d(C& c, const Insn& i) { return sem_fp_compare<FpOp::kEq, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_flt_d(C& c, const Insn& i) { return sem_fp_compare<FpOp::kLt, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fle_d(C& c, const Insn& i) { return sem_fp_compare<FpOp::kLe, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fclass_d(C& c, const Insn& i) { return sem_fp_to_x<FpOp::kClass, FpFmt::kDouble>(c, i); }

// --- conversion ---

QUIRE_SEM bool sem_fcvt_w_d(C& c, const Insn& i) { return sem_fp_to_x<FpOp::kToW, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fcvt_wu_d(C& c, const Insn& i) { return sem_fp_to_x<FpOp::kToWu, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fcvt_l_d(C& c, const Insn& i) { return sem_fp_to_x<FpOp::kToL, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fcvt_lu_d(C& c, const Insn& i) { return sem_fp_to_x<FpOp::kToLu, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fcvt_d_w(C& c, const Insn& i) { return sem_fp_from_x<FpOp::kFromW, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fcvt_d_wu(C& c, const Insn& i) {
  return sem_fp_from_x<FpOp::kFromWu, FpFmt::kDouble>(c, i);
}
QUIRE_SEM bool sem_fcvt_d_l(C& c, const Insn& i) { return sem_fp_from_x<FpOp::kFromL, FpFmt::kDouble>(c, i); }
QUIRE_SEM bool sem_fcvt_d_lu(C& c, const Insn& i) {
  return sem_fp_from_x<FpOp::kFromLu, FpFmt::kDouble>(c, i);
}
QUIRE_SEM bool sem_fcvt_d_s(C& c, const Insn& i) {
  return sem_fp_unary<FpOp::kFromSingle, FpFmt::kDouble>(c, i);
}

}  // namespace quire
