// Zicond (Unprivileged ISA 20240411, chapter 12): zero on a condition.
#pragma once

#include "emu/isa/sem/context.h"

namespace quire {

QUIRE_SEM void sem_czero_eqz(C& c, const Insn& i) {
  const auto value = c.x(i.rs1);
  const auto condition = c.x(i.rs2);
  c.set_x(i.rd, c.select(condition, value, c.imm(0)));
}

QUIRE_SEM void sem_czero_nez(C& c, const Insn& i) {
  const auto value = c.x(i.rs1);
  const auto condition = c.x(i.rs2);
  c.set_x(i.rd, c.select(condition, c.imm(0), value));
}

}  // namespace quire
