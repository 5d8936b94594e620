// Zicsr (Unprivileged ISA 20240411, chapter 7).
#pragma once

#include "emu/isa/sem/context.h"

namespace quire {

/// `reads` and `writes` follow table 7.1: csrrw to x0 does not read; csrrs, csrrc with x0 or an immediate of
/// 0 do not write (the register's number decides, not its value).
template <class C>
[[gnu::always_inline]] inline bool sem_csr(C& c, const Insn& i, CsrOp op, typename C::U64 operand) {
  const bool is_write = op == CsrOp::kWrite;
  const bool reads = !is_write || i.rd != kSinkRegister;
  const bool writes = is_write || i.rs1 != 0;
  typename C::U64 old;
  if (!c.csr_access(static_cast<u16>(i.imm), op, operand, reads, writes, old)) return false;
  if (reads) {
    c.set_x(i.rd, old);
  }
  return true;
}

QUIRE_SEM bool sem_csrrw(C& c, const Insn& i) { return sem_csr(c, i, CsrOp::kWrite, c.x(i.rs1)); }
QUIRE_SEM bool sem_csrrs(C& c, const Insn& i) { return sem_csr(c, i, CsrOp::kSet, c.x(i.rs1)); }
QUIRE_SEM bool sem_csrrc(C& c, const Insn& i) { return sem_csr(c, i, CsrOp::kClear, c.x(i.rs1)); }
QUIRE_SEM bool sem_csrrwi(C& c, const Insn& i) { return sem_csr(c, i, CsrOp::kWrite, c.imm(i.rs1)); }
QUIRE_SEM bool sem_csrrsi(C& c, const Insn& i) { return sem_csr(c, i, CsrOp::kSet, c.imm(i.rs1)); }
QUIRE_SEM bool sem_csrrci(C& c, const Insn& i) { return sem_csr(c, i, CsrOp::kClear, c.imm(i.rs1)); }

}  // namespace quire
