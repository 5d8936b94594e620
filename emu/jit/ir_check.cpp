// The invariants of emu/jit/ir.h, one by one.
#include <fmt/format.h>

#include "emu/jit/ir.h"

namespace quire::jit {
namespace {

bool names_x(const Node& node) { return node.op == IrOp::kGetX || node.op == IrOp::kSetX; }
bool names_f(const Node& node) { return node.op == IrOp::kGetF || node.op == IrOp::kSetF; }

/// What is wrong with the operands of node `at`.
std::string check_operands(const Ir& ir, usize at) {
  const Node& node = ir.nodes[at];
  const usize wanted = info(node.op).operands;
  for (usize i = 0; i < std::size(node.operand); ++i) {
    const Ref ref = node.operand[i];
    if (ref.is_none() != (i >= wanted)) return fmt::format("takes {} operands", wanted);
    if (ref.is_none()) continue;
    if (ref.is_constant()) {
      if (ref.index() >= ir.constants.size()) return "an operand is no constant of the block";
      continue;
    }
    if (ref.index() >= at) return "an operand is used before it is defined";
    if (info(ir.nodes[ref.index()].op).type == Type::kNone) return "an operand has no value";
  }
  return {};
}

std::string check_imm(const Node& node) {
  const bool bad = (names_x(node) && (node.imm < 1 || node.imm > 31)) ||
                   (names_f(node) && (node.imm < 0 || node.imm > 31));
  return bad ? fmt::format("there is no register {}", node.imm) : "";
}

}  // namespace

std::string check(const Ir& ir) {
  unsigned guest = 0;
  bool has_written = false;  // a guest register, in the instruction at hand
  for (usize i = 0; i < ir.nodes.size(); ++i) {
    const Node& node = ir.nodes[i];
    const u8 effects = info(node.op).effects;
    const auto problem = [&](const std::string& what) {
      return fmt::format("v{} ({}): {}", i, info(node.op).name, what);
    };
    if (node.guest < guest || node.guest >= ir.insns.size())
      return problem("the instruction is out of order");
    if (node.guest != guest) has_written = false;
    guest = node.guest;
    if (const std::string what = check_operands(ir, i); !what.empty()) return problem(what);
    if (const std::string what = check_imm(node); !what.empty()) return problem(what);
    if ((effects & (kMayCall | kCalls)) != 0 && has_written)
      return problem("may call after a register was written");
    has_written = has_written || (effects & kWritesGuest) != 0;
    if ((effects & kLeaves) != 0 && guest + 1 == ir.insns.size())
      return problem("leaves where nothing follows");
    const bool last = i + 1 == ir.nodes.size();
    if (((effects & kEnds) != 0) != last)
      return problem(last ? "does not end the block" : "ends the block too early");
  }
  return ir.nodes.empty() ? "no operation at all" : "";
}

}  // namespace quire::jit
