// RV64F (Unprivileged ISA 20240411, chapter 21); fcvt.s.d belongs to D but makes a single.
#pragma once

#include "emu/isa/sem/fp_shapes.h"

namespace quire {

/// The upper half of an f register that holds a single (21.2).
inline constexpr i64 kNanBox = static_cast<i64>(0xffff'ffff'0000'0000);

// --- loads, stores and moves: bits, whatever they mean; FS is checked before memory ---

QUIRE_SEM bool sem_flw(C& c, const Insn& i) {
  if (!c.require_fp(i)) return false;
  const auto base = c.x(i.rs1);
  const auto offset = c.imm(i.imm);
  const auto addr = base + offset;
  typename C::U64 value;
  if (!c.template load<4>(addr, value)) return false;
  c.set_f(i.rd, value | c.imm(kNanBox));
  return true;
}

QUIRE_SEM bool sem_fsw(C& c, const Insn& i) {
  if (!c.require_fp(i)) return false;
  const auto base = c.x(i.rs1);
  const auto offset = c.imm(i.imm);
  const auto addr = base + offset;
  const auto value = c.f(i.rs2);
  return c.template store<4>(addr, value);
}

QUIRE_SEM bool sem_fmv_x_w(C& c, const Insn& i) {
  if (!c.require_fp(i)) return false;
  const auto value = c.f(i.rs1);
  c.set_x(i.rd, c.sext(value, 32));
  return true;
}

QUIRE_SEM bool sem_fmv_w_x(C& c, const Insn& i) {
  if (!c.require_fp(i)) return false;
  const auto value = c.x(i.rs1);
  const auto low = c.zext(value, 32);
  c.set_f(i.rd, low | c.imm(kNanBox));
  return true;
}

// --- arithmetic ---

QUIRE_SEM bool sem_fadd_s(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kAdd, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fsub_s(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kSub, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fmul_s(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kMul, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fdiv_s(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kDiv, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fsqrt_s(C& c, const Insn& i) { return sem_fp_unary<FpOp::kSqrt, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fmadd_s(C& c, const Insn& i) { return sem_fp_fused<FpOp::kMadd, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fmsub_s(C& c, const Insn& i) { return sem_fp_fused<FpOp::kMsub, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fnmsub_s(C& c, const Insn& i) { return sem_fp_fused<FpOp::kNmsub, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fnmadd_s(C& c, const Insn& i) { return sem_fp_fused<FpOp::kNmadd, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fsgnj_s(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kSgnj, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fsgnjn_s(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kSgnjn, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fsgnjx_s(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kSgnjx, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fmin_s(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kMin, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fmax_s(C& c, const Insn& i) { return sem_fp_to_f<FpOp::kMax, FpFmt::kSingle>(c, i); }

// --- comparison, classification ---

QUIRE_SEM bool sem_feq_s(C& c, const Insn& i) { return sem_fp_compare<FpOp::kEq, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_flt_s(C& c, const Insn& i) { return sem_fp_compare<FpOp::kLt, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fle_s(C& c, const Insn& i) { return sem_fp_compare<FpOp::kLe, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fclass_s(C& c, const Insn& i) { return sem_fp_to_x<FpOp::kClass, FpFmt::kSingle>(c, i); }

// --- conversion ---

QUIRE_SEM bool sem_fcvt_w_s(C& c, const Insn& i) { return sem_fp_to_x<FpOp::kToW, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fcvt_wu_s(C& c, const Insn& i) { return sem_fp_to_x<FpOp::kToWu, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fcvt_l_s(C& c, const Insn& i) { return sem_fp_to_x<FpOp::kToL, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fcvt_lu_s(C& c, const Insn& i) { return sem_fp_to_x<FpOp::kToLu, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fcvt_s_w(C& c, const Insn& i) { return sem_fp_from_x<FpOp::kFromW, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fcvt_s_wu(C& c, const Insn& i) {
  return sem_fp_from_x<FpOp::kFromWu, FpFmt::kSingle>(c, i);
}
QUIRE_SEM bool sem_fcvt_s_l(C& c, const Insn& i) { return sem_fp_from_x<FpOp::kFromL, FpFmt::kSingle>(c, i); }
QUIRE_SEM bool sem_fcvt_s_lu(C& c, const Insn& i) {
  return sem_fp_from_x<FpOp::kFromLu, FpFmt::kSingle>(c, i);
}
QUIRE_SEM bool sem_fcvt_s_d(C& c, const Insn& i) {
  return sem_fp_unary<FpOp::kFromDouble, FpFmt::kSingle>(c, i);
}

}  // namespace quire
