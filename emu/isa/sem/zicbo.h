// Zicbom and Zicboz (Unprivileged ISA 20240411, chapter 20), and the hints of Zicbop and Zihintpause (10).
#pragma once

#include "emu/isa/sem/context.h"

namespace quire {

QUIRE_SEM bool sem_cbo_inval(C& c, const Insn& i) { return c.cbo(CboOp::kInval, c.x(i.rs1), i); }
QUIRE_SEM bool sem_cbo_clean(C& c, const Insn& i) { return c.cbo(CboOp::kClean, c.x(i.rs1), i); }
QUIRE_SEM bool sem_cbo_flush(C& c, const Insn& i) { return c.cbo(CboOp::kFlush, c.x(i.rs1), i); }
QUIRE_SEM bool sem_cbo_zero(C& c, const Insn& i) { return c.cbo(CboOp::kZero, c.x(i.rs1), i); }

// Prefetches raise nothing and set neither A nor D (20.4.2.2).
QUIRE_SEM void sem_prefetch_i(C&, const Insn&) {}
QUIRE_SEM void sem_prefetch_r(C&, const Insn&) {}
QUIRE_SEM void sem_prefetch_w(C&, const Insn&) {}

QUIRE_SEM void sem_pause(C&, const Insn&) {}

}  // namespace quire
