// The IR as text, for people and for golden tests.
#include <fmt/format.h>

#include "emu/jit/ir.h"

namespace quire::jit {
namespace {

std::string text_of(const Ir& ir, Ref ref) {
  if (ref.is_none()) return "none";
  if (!ref.is_constant()) return fmt::format("v{}", ref.index());
  const i64 value = static_cast<i64>(ir.value_of(ref));
  const bool small = value > -4096 && value < 4096;
  return small ? fmt::format("{}", value) : fmt::format("{:#x}", static_cast<u64>(value));
}

std::string imm_text(const Node& node) {
  switch (node.op) {
    case IrOp::kGetX:
    case IrOp::kSetX:
      return fmt::format(" x{}", node.imm);
    case IrOp::kGetF:
    case IrOp::kSetF:
      return fmt::format(" f{}", node.imm);
    case IrOp::kSext:
    case IrOp::kZext:
    case IrOp::kLoad:
    case IrOp::kLoadSigned:
    case IrOp::kStore:
    case IrOp::kLoadReserved:
    case IrOp::kStoreConditional:
      return fmt::format(".{}", node.imm);
    case IrOp::kGetCsr:
    case IrOp::kSetCsr:
      return fmt::format(" {:#x}", node.imm);
    case IrOp::kAmo: {
      const AmoSelector selector = AmoSelector::unpack(node.imm);
      return fmt::format(".{}.{}", static_cast<unsigned>(selector.op), selector.bytes);
    }
    case IrOp::kFp: {
      const FpSelector selector = FpSelector::unpack(node.imm);
      return fmt::format(".{}.{}.{}", static_cast<unsigned>(selector.op),
                         static_cast<unsigned>(selector.format), selector.rm);
    }
    case IrOp::kBranch:
    case IrOp::kBranchOut:
    case IrOp::kJump:
      return fmt::format(" {:+}", node.imm);
    default:
      return {};
  }
}

}  // namespace

std::string to_text(const Ir& ir) {
  std::string text;
  unsigned guest = ~0U;
  for (usize i = 0; i < ir.nodes.size(); ++i) {
    const Node& node = ir.nodes[i];
    if (node.guest != guest) {
      guest = node.guest;
      text += fmt::format("{}: {}\n", guest, op_info(ir.insns[guest].insn.op).name);
    }
    text += info(node.op).type == Type::kNone ? "    " : fmt::format("    v{} = ", i);
    text += info(node.op).name + imm_text(node);
    const char* separator = " ";
    for (const Ref ref : ir.operands(node)) {
      text += separator + text_of(ir, ref);
      separator = ", ";
    }
    text += '\n';
  }
  return text;
}

}  // namespace quire::jit
