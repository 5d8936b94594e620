// RV64A (Unprivileged ISA 20240411, chapter 14).
//
// aq and rl are not passed on: harts take turns on one thread, so every order is sequentially consistent.
#pragma once

#include "emu/isa/sem/context.h"

namespace quire {

QUIRE_SEM bool sem_lr_w(C& c, const Insn& i) {
  const auto addr = c.x(i.rs1);
  typename C::U64 value;
  if (!c.template lr<4>(addr, value)) return false;
  c.set_x(i.rd, c.sext(value, 32));
  return true;
}

QUIRE_SEM bool sem_sc_w(C& c, const Insn& i) {
  const auto addr = c.x(i.rs1);
  const auto value = c.x(i.rs2);
  typename C::U64 failed;
  if (!c.template sc<4>(addr, value, failed)) return false;
  c.set_x(i.rd, failed);
  return true;
}

QUIRE_SEM bool sem_lr_d(C& c, const Insn& i) {
  const auto addr = c.x(i.rs1);
  typename C::U64 value;
  if (!c.template lr<8>(addr, value)) return false;
  c.set_x(i.rd, value);
  return true;
}

QUIRE_SEM bool sem_sc_d(C& c, const Insn& i) {
  const auto addr = c.x(i.rs1);
  const auto value = c.x(i.rs2);
  typename C::U64 failed;
  if (!c.template sc<8>(addr, value, failed)) return false;
  c.set_x(i.rd, failed);
  return true;
}

template <unsigned Bytes, class C>
[[gnu::always_inline]] inline bool sem_amo(C& c, const Insn& i, AmoOp op) {
  const auto addr = c.x(i.rs1);
  const auto operand = c.x(i.rs2);
  typename C::U64 old;
  if (!c.template amo<Bytes>(op, addr, operand, old)) return false;
  if constexpr (Bytes == 4) {
    c.set_x(i.rd, c.sext(old, 32));
  } else {
    c.set_x(i.rd, old);
  }
  return true;
}

QUIRE_SEM bool sem_amoswap_w(C& c, const Insn& i) { return sem_amo<4>(c, i, AmoOp::kSwap); }
QUIRE_SEM bool sem_amoadd_w(C& c, const Insn& i) { return sem_amo<4>(c, i, AmoOp::kAdd); }
QUIRE_SEM bool sem_amoxor_w(C& c, const Insn& i) { return sem_amo<4>(c, i, AmoOp::kXor); }
QUIRE_SEM bool sem_amoand_w(C& c, const Insn& i) { return sem_amo<4>(c, i, AmoOp::kAnd); }
QUIRE_SEM bool sem_amoor_w(C& c, const Insn& i) { return sem_amo<4>(c, i, AmoOp::kOr); }
QUIRE_SEM bool sem_amomin_w(C& c, const Insn& i) { return sem_amo<4>(c, i, AmoOp::kMin); }
QUIRE_SEM bool sem_amomax_w(C& c, const Insn& i) { return sem_amo<4>(c, i, AmoOp::kMax); }
QUIRE_SEM bool sem_amominu_w(C& c, const Insn& i) { return sem_amo<4>(c, i, AmoOp::kMinu); }
QUIRE_SEM bool sem_amomaxu_w(C& c, const Insn& i) { return sem_amo<4>(c, i, AmoOp::kMaxu); }
QUIRE_SEM bool sem_amoswap_d(C& c, const Insn& i) { return sem_amo<8>(c, i, AmoOp::kSwap); }
QUIRE_SEM bool sem_amoadd_d(C& c, const Insn& i) { return sem_amo<8>(c, i, AmoOp::kAdd); }
QUIRE_SEM bool sem_amoxor_d(C& c, const Insn& i) { return sem_amo<8>(c, i, AmoOp::kXor); }
QUIRE_SEM bool sem_amoand_d(C& c, const Insn& i) { return sem_amo<8>(c, i, AmoOp::kAnd); }
QUIRE_SEM bool sem_amoor_d(C& c, const Insn& i) { return sem_amo<8>(c, i, AmoOp::kOr); }
QUIRE_SEM bool sem_amomin_d(C& c, const Insn& i) { return sem_amo<8>(c, i, AmoOp::kMin); }
QUIRE_SEM bool sem_amomax_d(C& c, const Insn& i) { return sem_amo<8>(c, i, AmoOp::kMax); }
QUIRE_SEM bool sem_amominu_d(C& c, const Insn& i) { return sem_amo<8>(c, i, AmoOp::kMinu); }
QUIRE_SEM bool sem_amomaxu_d(C& c, const Insn& i) { return sem_amo<8>(c, i, AmoOp::kMaxu); }

}  // namespace quire
