#include "quire/insn_text.h"

#include "emu/isa/decode.h"
#include "emu/isa/text.h"

namespace quire {

InsnText insn_text(std::uint32_t bits, std::uint64_t pc) {
  const unsigned length = insn_length(static_cast<u16>(bits));
  const Insn insn = decode(length == 2 ? bits & 0xffff : bits);
  InsnText result{text_of(insn, pc), length, insn.op != Op::illegal, std::nullopt};
  if (has_flag(insn.op, kBranch) || insn.op == Op::jal) {
    result.target = pc + static_cast<u64>(i64{insn.imm});
  }
  return result;
}

}  // namespace quire
