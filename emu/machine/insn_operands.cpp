#include "quire/insn_operands.h"

#include "emu/isa/decode.h"
#include "emu/isa/insn.h"

namespace quire {
namespace {

constexpr u32 kArguments = 0xff << 10;  // a0 to a7
constexpr u32 kBlockBytes = 64;

/// x0 and the sink are nobody's.
constexpr u32 x_bit(u8 number) { return number == 0 || number >= 32 ? 0 : u32{1} << number; }
constexpr u32 f_bit(u8 number) { return u32{1} << number; }

bool is_float_constant(Op op) { return op == Op::fli_s || op == Op::fli_d || op == Op::fli_h; }

void add_sources(const Insn& insn, const OpInfo& info, InsnOperands& out) {
  if (info.format == Format::CsrImm || is_float_constant(insn.op)) return;
  if ((info.flags & kReadsF) == 0) {
    out.reads_x |= x_bit(insn.rs1) | x_bit(insn.rs2) | x_bit(insn.rs3);
  } else if ((info.flags & (kLoad | kStore)) != 0) {
    out.reads_x |= x_bit(insn.rs1);
    out.reads_f |= f_bit(insn.rs2);
  } else {
    out.reads_f |= f_bit(insn.rs1) | f_bit(insn.rs2) | f_bit(insn.rs3);
  }
}

/// Pairs of registers, and what is compared is in the destination.
void add_compare_and_swap(const Insn& insn, InsnOperands& out) {
  out.reads_x |= x_bit(insn.rd);
  if (insn.op != Op::amocas_q) return;
  out.reads_x |= x_bit(insn.rd + 1) | x_bit(insn.rs2 + 1);
  out.writes_x |= insn.rd < 32 ? x_bit(insn.rd + 1) : 0;
  out.block_bytes = 16;
  out.base = insn.rs1;
}

}  // namespace

InsnOperands insn_operands(std::uint32_t bits) {
  const Insn insn = decode(insn_length(static_cast<u16>(bits)) == 2 ? bits & 0xffff : bits);
  const OpInfo& info = op_info(insn.op);
  InsnOperands out{};
  add_sources(insn, info, out);
  if ((info.flags & kWritesX) != 0) out.writes_x |= x_bit(insn.rd);
  if ((info.flags & kWritesF) != 0) out.writes_f |= f_bit(insn.rd);
  switch (insn.op) {
    case Op::ecall:
      out.reads_x |= kArguments;
      break;
    case Op::amocas_w:
    case Op::amocas_d:
    case Op::amocas_q:
      add_compare_and_swap(insn, out);
      break;
    case Op::cbo_zero:
      out.block_bytes = kBlockBytes;
      out.base = insn.rs1;
      out.zeroes = true;
      break;
    default:
      break;
  }
  return out;
}

}  // namespace quire
