// The shapes of floating-point bodies: which register files operands come from and results go to.
#pragma once

#include "emu/isa/sem/context.h"

namespace quire {

/// Operands in f registers, result in an f register.
template <FpOp Operation, FpFmt Format, class C>
[[gnu::always_inline]] inline bool sem_fp_to_f(C& c, const Insn& i) {
  const auto a = c.f(i.rs1);
  const auto b = c.f(i.rs2);
  typename C::U64 result;
  if (!c.template fp<Operation, Format>(i, a, b, c.imm(0), result)) return false;
  c.set_f(i.rd, result);
  return true;
}

/// One operand, as above.
template <FpOp Operation, FpFmt Format, class C>
[[gnu::always_inline]] inline bool sem_fp_unary(C& c, const Insn& i) {
  const auto a = c.f(i.rs1);
  const auto none = c.imm(0);
  typename C::U64 result;
  if (!c.template fp<Operation, Format>(i, a, none, none, result)) return false;
  c.set_f(i.rd, result);
  return true;
}

/// The fused forms: three operands.
template <FpOp Operation, FpFmt Format, class C>
[[gnu::always_inline]] inline bool sem_fp_fused(C& c, const Insn& i) {
  const auto a = c.f(i.rs1);
  const auto b = c.f(i.rs2);
  const auto addend = c.f(i.rs3);
  typename C::U64 result;
  if (!c.template fp<Operation, Format>(i, a, b, addend, result)) return false;
  c.set_f(i.rd, result);
  return true;
}

/// Comparisons: result in an x register.
template <FpOp Operation, FpFmt Format, class C>
[[gnu::always_inline]] inline bool sem_fp_compare(C& c, const Insn& i) {
  const auto a = c.f(i.rs1);
  const auto b = c.f(i.rs2);
  typename C::U64 result;
  if (!c.template fp<Operation, Format>(i, a, b, c.imm(0), result)) return false;
  c.set_x(i.rd, result);
  return true;
}

/// From an f to an x register.
template <FpOp Operation, FpFmt Format, class C>
[[gnu::always_inline]] inline bool sem_fp_to_x(C& c, const Insn& i) {
  const auto a = c.f(i.rs1);
  const auto none = c.imm(0);
  typename C::U64 result;
  if (!c.template fp<Operation, Format>(i, a, none, none, result)) return false;
  c.set_x(i.rd, result);
  return true;
}

/// From an x to an f register.
template <FpOp Operation, FpFmt Format, class C>
[[gnu::always_inline]] inline bool sem_fp_from_x(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto none = c.imm(0);
  typename C::U64 result;
  if (!c.template fp<Operation, Format>(i, a, none, none, result)) return false;
  c.set_f(i.rd, result);
  return true;
}

}  // namespace quire
