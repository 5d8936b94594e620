// Insn: one decoded instruction.
//
// Invariant: immutable once decoded; fields the format lacks are 0; a destination x register is never
// 0 but kSinkRegister, so that writing it needs no test, while sources keep 0.
#pragma once

#include <type_traits>

#include "emu/base/types.h"
#include "emu/isa/op.h"

namespace quire {

/// Where writes to x0 go: HartState::x has kXRegisters slots, the last of which nothing reads.
inline constexpr u8 kSinkRegister = 32;
inline constexpr unsigned kXRegisters = 33;

struct Insn {
  Op op = Op::illegal;
  u8 rd = 0;   ///< x1..x31 or kSinkRegister; f0..f31 for kWritesF
  u8 rs1 = 0;  ///< csrr*i: the 5-bit immediate
  u8 rs2 = 0;
  u8 rs3 = 0;
  u8 rm = 0;      ///< 0..4 or 7 (Rounding); reserved modes decode to Op::illegal
  u8 length = 4;  ///< in bytes: 2 or 4
  i32 imm = 0;    ///< sign-extended and scaled; lui, auipc: the upper 20 bits in place; csrr*: the CSR
  u32 raw = 0;    ///< the bits as fetched, 16 of them where length is 2

  constexpr bool operator==(const Insn&) const = default;
};
static_assert(sizeof(Insn) == 16 && std::is_standard_layout_v<Insn> && std::is_trivially_copyable_v<Insn>);

}  // namespace quire
