// Privileged instructions (Privileged ISA 20240411, 3.3 and 12.2).
#pragma once

#include "emu/isa/sem/context.h"

namespace quire {

QUIRE_SEM bool sem_mret(C& c, const Insn&) { return c.mret(); }

QUIRE_SEM bool sem_sret(C& c, const Insn&) { return c.sret(); }

QUIRE_SEM bool sem_wfi(C& c, const Insn&) { return c.wfi(); }

/// "All" is said by the register's number, x0, not by its value.
QUIRE_SEM bool sem_sfence_vma(C& c, const Insn& i) {
  const auto va = c.x(i.rs1);
  const auto asid = c.x(i.rs2);
  return c.sfence_vma(va, asid, i.rs1 == 0, i.rs2 == 0);
}

/// Svinval (chapter 16): the fences of a batch of sinval.vma happen one by one, which is allowed.
QUIRE_SEM bool sem_sinval_vma(C& c, const Insn& i) { return sem_sfence_vma(c, i); }

QUIRE_SEM bool sem_sfence_w_inval(C& c, const Insn&) { return c.sfence_inval(); }

QUIRE_SEM bool sem_sfence_inval_ir(C& c, const Insn&) { return c.sfence_inval(); }

/// Op::illegal: no row of the table.
QUIRE_SEM bool sem_illegal(C& c, const Insn& i) { return c.illegal(i); }

}  // namespace quire
