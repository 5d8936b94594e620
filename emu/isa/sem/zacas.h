// Zacas (Unprivileged ISA 20240411, chapter 16) and Zawrs (15).
//
// rd is both what is compared and where the old value goes; x0 reads as zero there too.
#pragma once

#include "emu/isa/sem/context.h"

namespace quire {

/// The register that an instruction writes, read before.
template <class C>
[[gnu::always_inline]] inline auto old_destination(C& c, u8 rd) {
  return rd == kSinkRegister ? c.imm(0) : typename C::U64(c.x(rd));
}

QUIRE_SEM bool sem_amocas_w(C& c, const Insn& i) {
  const auto addr = c.x(i.rs1);
  const auto expected = old_destination(c, i.rd);
  const auto desired = c.x(i.rs2);
  typename C::U64 old;
  if (!c.template cas<4>(addr, expected, desired, old)) return false;
  c.set_x(i.rd, c.sext(old, 32));
  return true;
}

QUIRE_SEM bool sem_amocas_d(C& c, const Insn& i) {
  const auto addr = c.x(i.rs1);
  const auto expected = old_destination(c, i.rd);
  const auto desired = c.x(i.rs2);
  typename C::U64 old;
  if (!c.template cas<8>(addr, expected, desired, old)) return false;
  c.set_x(i.rd, old);
  return true;
}

/// A pair is an even register and the next; the pair of x0 is zero, and a result for it is dropped whole.
QUIRE_SEM bool sem_amocas_q(C& c, const Insn& i) {
  const bool to_zero = i.rd == kSinkRegister;
  const auto addr = c.x(i.rs1);
  const Pair<C> expected = {old_destination(c, i.rd), to_zero ? c.imm(0) : typename C::U64(c.x(i.rd + 1))};
  const Pair<C> desired = {c.x(i.rs2), i.rs2 == 0 ? c.imm(0) : typename C::U64(c.x(i.rs2 + 1))};
  Pair<C> old;
  if (!c.cas_pair(addr, expected, desired, old)) return false;
  if (!to_zero) {
    c.set_x(i.rd, old.low);
    c.set_x(i.rd + 1, old.high);
  }
  return true;
}

// The stall may end for any reason at any time, and with TW it is too short to be one that traps.
QUIRE_SEM void sem_wrs_nto(C&, const Insn&) {}
QUIRE_SEM void sem_wrs_sto(C&, const Insn&) {}

}  // namespace quire
