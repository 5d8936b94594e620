// RV64I (Unprivileged ISA 20240411, chapters 2 and 4) and fence.i (6).
#pragma once

#include "emu/isa/sem/context.h"

namespace quire {

// --- integer computations: immediate, then register ---

QUIRE_SEM void sem_lui(C& c, const Insn& i) { c.set_x(i.rd, c.imm(i.imm)); }

QUIRE_SEM void sem_auipc(C& c, const Insn& i) { c.set_x(i.rd, c.pc() + c.imm(i.imm)); }

QUIRE_SEM void sem_addi(C& c, const Insn& i) { c.set_x(i.rd, c.x(i.rs1) + c.imm(i.imm)); }
QUIRE_SEM void sem_slti(C& c, const Insn& i) { c.set_x(i.rd, c.lt_s(c.x(i.rs1), c.imm(i.imm))); }
QUIRE_SEM void sem_sltiu(C& c, const Insn& i) { c.set_x(i.rd, c.lt_u(c.x(i.rs1), c.imm(i.imm))); }
QUIRE_SEM void sem_xori(C& c, const Insn& i) { c.set_x(i.rd, c.x(i.rs1) ^ c.imm(i.imm)); }
QUIRE_SEM void sem_ori(C& c, const Insn& i) { c.set_x(i.rd, c.x(i.rs1) | c.imm(i.imm)); }
QUIRE_SEM void sem_andi(C& c, const Insn& i) { c.set_x(i.rd, c.x(i.rs1) & c.imm(i.imm)); }
QUIRE_SEM void sem_slli(C& c, const Insn& i) { c.set_x(i.rd, c.shl(c.x(i.rs1), c.imm(i.imm))); }
QUIRE_SEM void sem_srli(C& c, const Insn& i) { c.set_x(i.rd, c.shr_u(c.x(i.rs1), c.imm(i.imm))); }
QUIRE_SEM void sem_srai(C& c, const Insn& i) { c.set_x(i.rd, c.shr_s(c.x(i.rs1), c.imm(i.imm))); }
