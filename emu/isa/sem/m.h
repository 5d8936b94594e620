// RV64M (Unprivileged ISA 20240411, chapter 13).
//
// The word forms divide extended operands with the 64-bit operations: cut back to 32 bits, the results for
// zero divisors and for -2^31 / -1 are those of table 13.2 too.
#pragma once

#include "emu/isa/sem/context.h"

namespace quire {

QUIRE_SEM void sem_mul(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.mul(a, b));
}

QUIRE_SEM void sem_mulh(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.mulh_ss(a, b));
}

QUIRE_SEM void sem_mulhsu(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.mulh_su(a, b));
}

QUIRE_SEM void sem_mulhu(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.mulh_uu(a, b));
}

QUIRE_SEM void sem_div(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.div_s(a, b));
}

QUIRE_SEM void sem_divu(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.div_u(a, b));
}

QUIRE_SEM void sem_rem(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.rem_s(a, b));
}

QUIRE_SEM void sem_remu(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.rem_u(a, b));
}

QUIRE_SEM void sem_mulw(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.sext(c.mul(a, b), 32));
}

QUIRE_SEM void sem_divw(C& c, const Insn& i) {
  const auto a = c.sext(c.x(i.rs1), 32);
  const auto b = c.sext(c.x(i.rs2), 32);
  c.set_x(i.rd, c.sext(c.div_s(a, b), 32));
}

QUIRE_SEM void sem_divuw(C& c, const Insn& i) {
  const auto a = c.zext(c.x(i.rs1), 32);
  const auto b = c.zext(c.x(i.rs2), 32);
  c.set_x(i.rd, c.sext(c.div_u(a, b), 32));
}

QUIRE_SEM void sem_remw(C& c, const Insn& i) {
  const auto a = c.sext(c.x(i.rs1), 32);
  const auto b = c.sext(c.x(i.rs2), 32);
  c.set_x(i.rd, c.sext(c.rem_s(a, b), 32));
}

QUIRE_SEM void sem_remuw(C& c, const Insn& i) {
  const auto a = c.zext(c.x(i.rs1), 32);
  const auto b = c.zext(c.x(i.rs2), 32);
  c.set_x(i.rd, c.sext(c.rem_u(a, b), 32));
}

}  // namespace quire
