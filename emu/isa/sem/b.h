// Bit manipulation: Zba, Zbb, Zbc, Zbs (Unprivileged ISA 20240411, chapter 29) and Zbkb (scalar
// cryptography).
//
// Where an instruction has a register and an immediate form, both are one function of the amount.
#pragma once

#include "emu/isa/sem/context.h"

namespace quire {

// --- Zba: addresses ---

template <unsigned Shift, class C>
[[gnu::always_inline]] inline void sem_shadd(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.shl(a, c.imm(Shift)) + b);
}

template <unsigned Shift, class C>
[[gnu::always_inline]] inline void sem_shadd_uw(C& c, const Insn& i) {
  const auto a = c.zext(c.x(i.rs1), 32);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.shl(a, c.imm(Shift)) + b);
}

QUIRE_SEM void sem_sh1add(C& c, const Insn& i) { sem_shadd<1>(c, i); }
QUIRE_SEM void sem_sh2add(C& c, const Insn& i) { sem_shadd<2>(c, i); }
QUIRE_SEM void sem_sh3add(C& c, const Insn& i) { sem_shadd<3>(c, i); }
QUIRE_SEM void sem_add_uw(C& c, const Insn& i) { sem_shadd_uw<0>(c, i); }
QUIRE_SEM void sem_sh1add_uw(C& c, const Insn& i) { sem_shadd_uw<1>(c, i); }
QUIRE_SEM void sem_sh2add_uw(C& c, const Insn& i) { sem_shadd_uw<2>(c, i); }
QUIRE_SEM void sem_sh3add_uw(C& c, const Insn& i) { sem_shadd_uw<3>(c, i); }

QUIRE_SEM void sem_slli_uw(C& c, const Insn& i) {
  const auto a = c.zext(c.x(i.rs1), 32);
  const auto b = c.imm(i.imm);
  c.set_x(i.rd, c.shl(a, b));
}

// --- Zbb: logic with negation ---

QUIRE_SEM void sem_andn(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, a & ~b);
}

QUIRE_SEM void sem_orn(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, a | ~b);
}

QUIRE_SEM void sem_xnor(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, a ^ ~b);
}

// --- Zbb: counting; the word forms look at 32 bits, with a stop beyond them where there is none within ---

QUIRE_SEM void sem_clz(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  c.set_x(i.rd, c.clz(a));
}

QUIRE_SEM void sem_clzw(C& c, const Insn& i) {
  const auto a = c.zext(c.x(i.rs1), 32);
  c.set_x(i.rd, c.clz(a) - c.imm(32));
}

QUIRE_SEM void sem_ctz(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  c.set_x(i.rd, c.ctz(a));
}

QUIRE_SEM void sem_ctzw(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  c.set_x(i.rd, c.ctz(a | c.imm(i64{1} << 32)));
}

QUIRE_SEM void sem_cpop(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  c.set_x(i.rd, c.popcount(a));
}

QUIRE_SEM void sem_cpopw(C& c, const Insn& i) {
  const auto a = c.zext(c.x(i.rs1), 32);
  c.set_x(i.rd, c.popcount(a));
}

// --- Zbb: minimum and maximum, extension ---

QUIRE_SEM void sem_min(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.select(c.lt_s(a, b), a, b));
}

QUIRE_SEM void sem_minu(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.select(c.lt_u(a, b), a, b));
}

QUIRE_SEM void sem_max(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.select(c.lt_s(a, b), b, a));
}

QUIRE_SEM void sem_maxu(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.select(c.lt_u(a, b), b, a));
}

QUIRE_SEM void sem_sext_b(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  c.set_x(i.rd, c.sext(a, 8));
}

QUIRE_SEM void sem_sext_h(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  c.set_x(i.rd, c.sext(a, 16));
}

QUIRE_SEM void sem_zext_h(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  c.set_x(i.rd, c.zext(a, 16));
}

// --- Zbb: rotation ---

/// To the right by `amount`, a value below 64.
template <class C>
[[gnu::always_inline]] inline auto rotated(C& c, typename C::U64 a, typename C::U64 amount) {
  const auto right = c.shr_u(a, amount);
  const auto rest = (c.imm(64) - amount) & c.imm(63);
  const auto left = c.shl(a, rest);
  return right | left;
}

/// The same of 32 bits, `amount` being below 32.
template <class C>
[[gnu::always_inline]] inline auto rotated_word(C& c, typename C::U64 a, typename C::U64 amount) {
  const auto low = c.zext(a, 32);
  const auto right = c.shr_u(low, amount);
  const auto left = c.shl(low, c.imm(32) - amount);
  return c.sext(right | left, 32);
}

QUIRE_SEM void sem_rol(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  const auto amount = (c.imm(0) - b) & c.imm(63);
  c.set_x(i.rd, rotated(c, a, amount));
}

QUIRE_SEM void sem_ror(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  const auto amount = b & c.imm(63);
  c.set_x(i.rd, rotated(c, a, amount));
}

QUIRE_SEM void sem_rori(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  c.set_x(i.rd, rotated(c, a, c.imm(i.imm)));
}

QUIRE_SEM void sem_rolw(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  const auto amount = (c.imm(0) - b) & c.imm(31);
  c.set_x(i.rd, rotated_word(c, a, amount));
}

QUIRE_SEM void sem_rorw(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  const auto amount = b & c.imm(31);
  c.set_x(i.rd, rotated_word(c, a, amount));
}

QUIRE_SEM void sem_roriw(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  c.set_x(i.rd, rotated_word(c, a, c.imm(i.imm)));
}

// --- Zbb: bytes ---

inline constexpr i64 kEveryByte = 0x0101'0101'0101'0101;

/// Every byte that is not zero becomes 0xff: its bits are gathered in the lowest, which then fills it.
QUIRE_SEM void sem_orc_b(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = a | (c.shr_u(a, c.imm(4)) & c.imm(kEveryByte * 0x0f));
  const auto d = b | (c.shr_u(b, c.imm(2)) & c.imm(kEveryByte * 0x03));
  const auto low = (d | c.shr_u(d, c.imm(1))) & c.imm(kEveryByte);
  c.set_x(i.rd, c.shl(low, c.imm(8)) - low);
}

QUIRE_SEM void sem_rev8(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  c.set_x(i.rd, c.bswap(a));
}

// --- Zbc: products of polynomials over GF(2) ---

QUIRE_SEM void sem_clmul(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.clmul(a, b));
}

QUIRE_SEM void sem_clmulh(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.clmulh(a, b));
}

/// Bits 126..63 of the product, the highest of which there is.
QUIRE_SEM void sem_clmulr(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  const auto high = c.clmulh(a, b);
  const auto low = c.clmul(a, b);
  c.set_x(i.rd, c.shl(high, c.imm(1)) | c.shr_u(low, c.imm(63)));
}

// --- Zbkb ---

QUIRE_SEM void sem_pack(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.zext(a, 32) | c.shl(b, c.imm(32)));
}

QUIRE_SEM void sem_packh(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.zext(a, 8) | c.shl(c.zext(b, 8), c.imm(8)));
}

QUIRE_SEM void sem_packw(C& c, const Insn& i) {
  const auto a = c.x(i.rs1);
  const auto b = c.x(i.rs2);
  c.set_x(i.rd, c.sext(c.zext(a, 16) | c.shl(b, c.imm(16)), 32));
}

/// Bits swapped with the neighbour, then pairs, then halves of the byte.
QUIRE_SEM void sem_brev8(C& c, const Insn& i) {
  const auto exchange = [&c](typename C::U64 v, unsigned distance, i64 low) {
    const auto up = c.shl(v & c.imm(low), c.imm(distance));
    const auto down = c.shr_u(v, c.imm(distance)) & c.imm(low);
    return up | down;
  };
  const auto a = c.x(i.rs1);
  const auto single = exchange(a, 1, kEveryByte * 0x55);
  const auto pairs = exchange(single, 2, kEveryByte * 0x33);
  c.set_x(i.rd, exchange(pairs, 4, kEveryByte * 0x0f));
}

// --- Zbs: one bit ---

template <class C>
[[gnu::always_inline]] inline auto bit_of_register(C& c, const Insn& i) {
  const auto b = c.x(i.rs2);
  return b & c.imm(63);
}

template <class C>
[[gnu::always_inline]] inline void clear_bit(C& c, const Insn& i, typename C::U64 index) {
  const auto a = c.x(i.rs1);
  c.set_x(i.rd, a & ~c.shl(c.imm(1), index));
}

template <class C>
[[gnu::always_inline]] inline void extract_bit(C& c, const Insn& i, typename C::U64 index) {
  const auto a = c.x(i.rs1);
  c.set_x(i.rd, c.shr_u(a, index) & c.imm(1));
}

template <class C>
[[gnu::always_inline]] inline void invert_bit(C& c, const Insn& i, typename C::U64 index) {
  const auto a = c.x(i.rs1);
  c.set_x(i.rd, a ^ c.shl(c.imm(1), index));
}

template <class C>
[[gnu::always_inline]] inline void set_bit(C& c, const Insn& i, typename C::U64 index) {
  const auto a = c.x(i.rs1);
  c.set_x(i.rd, a | c.shl(c.imm(1), index));
}

QUIRE_SEM void sem_bclr(C& c, const Insn& i) { clear_bit(c, i, bit_of_register(c, i)); }
QUIRE_SEM void sem_bext(C& c, const Insn& i) { extract_bit(c, i, bit_of_register(c, i)); }
QUIRE_SEM void sem_binv(C& c, const Insn& i) { invert_bit(c, i, bit_of_register(c, i)); }
QUIRE_SEM void sem_bset(C& c, const Insn& i) { set_bit(c, i, bit_of_register(c, i)); }
QUIRE_SEM void sem_bclri(C& c, const Insn& i) { clear_bit(c, i, c.imm(i.imm)); }
QUIRE_SEM void sem_bexti(C& c, const Insn& i) { extract_bit(c, i, c.imm(i.imm)); }
QUIRE_SEM void sem_binvi(C& c, const Insn& i) { invert_bit(c, i, c.imm(i.imm)); }
QUIRE_SEM void sem_bseti(C& c, const Insn& i) { set_bit(c, i, c.imm(i.imm)); }

}  // namespace quire
