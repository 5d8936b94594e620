// RV64I (Unprivileged ISA 20240411, chapters 2 and 4), with fence.i (6).
#pragma once

#include "emu/isa/sem/context.h"

namespace quire {

// --- computations with an immediate (2.4.1, 4.2.1) ---

QUIRE_SEM void sem_lui(C& c, const Insn& i) { c.set_x(i.rd, c.imm(i.imm)); }

QUIRE_SEM void sem_auipc(C& c, const Insn& i) {
  const auto pc = c.pc();
  const auto offset = c.imm(i.imm);
  c.set_x(i.rd, pc + offset);
}

QUIRE_SEM void sem_addi(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.imm(i.imm);
  c.set_x(i.rd, a + b);
}

QUIRE_SEM void sem_slti(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.imm(i.imm);
  c.set_x(i.rd, c.lt_s(a, b));
}

QUIRE_SEM void sem_sltiu(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.imm(i.imm);
  c.set_x(i.rd, c.lt_u(a, b));
}

QUIRE_SEM void sem_xori(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.imm(i.imm);
  c.set_x(i.rd, a ^ b);
}

QUIRE_SEM void sem_ori(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.imm(i.imm);
  c.set_x(i.rd, a | b);
}

QUIRE_SEM void sem_andi(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.imm(i.imm);
  c.set_x(i.rd, a & b);
}

QUIRE_SEM void sem_slli(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.imm(i.imm);
  c.set_x(i.rd, c.shl(a, b));
}

QUIRE_SEM void sem_srli(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.imm(i.imm);
  c.set_x(i.rd, c.shr_u(a, b));
}

QUIRE_SEM void sem_srai(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.imm(i.imm);
  c.set_x(i.rd, c.shr_s(a, b));
}

QUIRE_SEM void sem_addiw(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.imm(i.imm);
  c.set_x(i.rd, c.sext(a + b, 32));
}

QUIRE_SEM void sem_slliw(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.imm(i.imm);
  c.set_x(i.rd, c.sext(c.shl(a, b), 32));
}

QUIRE_SEM void sem_srliw(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.imm(i.imm);
  const auto low = c.zext(a, 32);
  c.set_x(i.rd, c.sext(c.shr_u(low, b), 32));
}

QUIRE_SEM void sem_sraiw(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.imm(i.imm);
  const auto low = c.sext(a, 32);
  c.set_x(i.rd, c.shr_s(low, b));
}

// --- computations of registers (2.4.2, 4.2.2) ---

QUIRE_SEM void sem_add(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, a + b);
}

QUIRE_SEM void sem_sub(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, a - b);
}

QUIRE_SEM void sem_slt(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.lt_s(a, b));
}

QUIRE_SEM void sem_sltu(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.lt_u(a, b));
}

QUIRE_SEM void sem_xor_(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, a ^ b);
}

QUIRE_SEM void sem_or_(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, a | b);
}

QUIRE_SEM void sem_and_(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, a & b);
}

QUIRE_SEM void sem_addw(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.sext(a + b, 32));
}

QUIRE_SEM void sem_subw(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.sext(a - b, 32));
}

QUIRE_SEM void sem_sll(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  const auto amount = b & c.imm(63);
  c.set_x(i.rd, c.shl(a, amount));
}

QUIRE_SEM void sem_srl(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  const auto amount = b & c.imm(63);
  c.set_x(i.rd, c.shr_u(a, amount));
}

QUIRE_SEM void sem_sra(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  const auto amount = b & c.imm(63);
  c.set_x(i.rd, c.shr_s(a, amount));
}

QUIRE_SEM void sem_sllw(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  const auto amount = b & c.imm(31);
  c.set_x(i.rd, c.sext(c.shl(a, amount), 32));
}

QUIRE_SEM void sem_srlw(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  const auto low = c.zext(a, 32);
  const auto amount = b & c.imm(31);
  c.set_x(i.rd, c.sext(c.shr_u(low, amount), 32));
}

QUIRE_SEM void sem_sraw(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  const auto low = c.sext(a, 32);
  const auto amount = b & c.imm(31);
  c.set_x(i.rd, c.shr_s(low, amount));
}

// --- control transfer (2.5); with the C extension no target can be misaligned ---

QUIRE_SEM void sem_jal(C& c, const Insn& i) {
  c.set_x(i.rd, c.next_pc());
  c.jump(i.imm);
}

QUIRE_SEM void sem_jalr(C& c, const Insn& i) {
  // The target is computed first: rd may be rs1.
  const auto a = c.x(i.rs1);
  const auto b = c.imm(i.imm);
  const auto sum = a + b;
  const auto target = sum & c.imm(~i64{1});
  c.set_x(i.rd, c.next_pc());
  c.jump_indirect(target);
}

QUIRE_SEM void sem_beq(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.branch(c.eq(a, b), i);
}

QUIRE_SEM void sem_bne(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  const auto opposite = c.eq(a, b);
  c.branch(opposite ^ c.imm(1), i);
}

QUIRE_SEM void sem_blt(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.branch(c.lt_s(a, b), i);
}

QUIRE_SEM void sem_bge(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  const auto opposite = c.lt_s(a, b);
  c.branch(opposite ^ c.imm(1), i);
}

QUIRE_SEM void sem_bltu(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.branch(c.lt_u(a, b), i);
}

QUIRE_SEM void sem_bgeu(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  const auto opposite = c.lt_u(a, b);
  c.branch(opposite ^ c.imm(1), i);
}

// --- loads and stores (2.6, 4.3) ---

QUIRE_SEM bool sem_lb(C& c, const Insn& i) {
  const auto base = c.x(i.rs1);
  const auto offset = c.imm(i.imm);
  const auto addr = base + offset;
  typename C::U64 value;
  if (!c.template load<1>(addr, value)) return false;
  c.set_x(i.rd, c.sext(value, 8));
  return true;
}

QUIRE_SEM bool sem_lh(C& c, const Insn& i) {
  const auto base = c.x(i.rs1);
  const auto offset = c.imm(i.imm);
  const auto addr = base + offset;
  typename C::U64 value;
  if (!c.template load<2>(addr, value)) return false;
  c.set_x(i.rd, c.sext(value, 16));
  return true;
}

QUIRE_SEM bool sem_lw(C& c, const Insn& i) {
  const auto base = c.x(i.rs1);
  const auto offset = c.imm(i.imm);
  const auto addr = base + offset;
  typename C::U64 value;
  if (!c.template load<4>(addr, value)) return false;
  c.set_x(i.rd, c.sext(value, 32));
  return true;
}

QUIRE_SEM bool sem_ld(C& c, const Insn& i) {
  const auto base = c.x(i.rs1);
  const auto offset = c.imm(i.imm);
  const auto addr = base + offset;
  typename C::U64 value;
  if (!c.template load<8>(addr, value)) return false;
  c.set_x(i.rd, value);
  return true;
}

QUIRE_SEM bool sem_lbu(C& c, const Insn& i) {
  const auto base = c.x(i.rs1);
  const auto offset = c.imm(i.imm);
  const auto addr = base + offset;
  typename C::U64 value;
  if (!c.template load<1>(addr, value)) return false;
  c.set_x(i.rd, value);
  return true;
}

QUIRE_SEM bool sem_lhu(C& c, const Insn& i) {
  const auto base = c.x(i.rs1);
  const auto offset = c.imm(i.imm);
  const auto addr = base + offset;
  typename C::U64 value;
  if (!c.template load<2>(addr, value)) return false;
  c.set_x(i.rd, value);
  return true;
}

QUIRE_SEM bool sem_lwu(C& c, const Insn& i) {
  const auto base = c.x(i.rs1);
  const auto offset = c.imm(i.imm);
  const auto addr = base + offset;
  typename C::U64 value;
  if (!c.template load<4>(addr, value)) return false;
  c.set_x(i.rd, value);
  return true;
}

QUIRE_SEM bool sem_sb(C& c, const Insn& i) {
  const auto base = c.x(i.rs1);
  const auto offset = c.imm(i.imm);
  const auto addr = base + offset;
  const auto value = c.x(i.rs2);
  return c.template store<1>(addr, value);
}

QUIRE_SEM bool sem_sh(C& c, const Insn& i) {
  const auto base = c.x(i.rs1);
  const auto offset = c.imm(i.imm);
  const auto addr = base + offset;
  const auto value = c.x(i.rs2);
  return c.template store<2>(addr, value);
}

QUIRE_SEM bool sem_sw(C& c, const Insn& i) {
  const auto base = c.x(i.rs1);
  const auto offset = c.imm(i.imm);
  const auto addr = base + offset;
  const auto value = c.x(i.rs2);
  return c.template store<4>(addr, value);
}

QUIRE_SEM bool sem_sd(C& c, const Insn& i) {
  const auto base = c.x(i.rs1);
  const auto offset = c.imm(i.imm);
  const auto addr = base + offset;
  const auto value = c.x(i.rs2);
  return c.template store<8>(addr, value);
}

// --- fences, environment (2.7, 2.8, 6) ---

QUIRE_SEM void sem_fence(C& c, const Insn&) { c.fence(); }

QUIRE_SEM void sem_fence_i(C& c, const Insn&) { c.fence_i(); }

QUIRE_SEM bool sem_ecall(C& c, const Insn&) { return c.ecall(); }

QUIRE_SEM bool sem_ebreak(C& c, const Insn&) { return c.ebreak(); }

}  // namespace quire
