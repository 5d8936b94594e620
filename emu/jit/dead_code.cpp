// Register writes that nothing sees, and operations whose value nothing uses.
#include <array>

#include "emu/jit/passes.h"

namespace quire::jit {
namespace {

/// The last instruction with a use of each value; 0 where there is none.
std::vector<u8> last_users(const Ir& ir) {
  std::vector<u8> result(ir.nodes.size());
  for (const Node& node : ir.nodes) {
    for (const Ref ref : ir.operands(node)) {
      if (ref.is_value()) result[ref.index()] = node.guest;
    }
  }
  return result;
}

/// Which instructions a call may do instead.
std::vector<bool> may_be_called(const Ir& ir) {
  std::vector<bool> result(ir.insns.size());
  for (const Node& node : ir.nodes) {
    if ((info(node.op).effects & kMayCall) != 0) result[node.guest] = true;
  }
  return result;
}

/// A write is dead where another of the same register follows before anything that can see it; but a value
/// that later instructions use needs its register, and where a call may do the instruction, the register
/// changes all the same: what it held must not be looked for there.
void mark_dead_writes(const Ir& ir, std::vector<bool>& dead) {
  const std::vector<bool> called = may_be_called(ir);
  const std::vector<u16> uses = count_uses(ir);
  const std::vector<u8> last_user = last_users(ir);
  std::array<bool, 32> overwritten_x{};
  std::array<bool, 32> overwritten_f{};
  for (usize i = ir.nodes.size(); i-- > 0;) {
    const Node& node = ir.nodes[i];
    if ((info(node.op).effects & (kMayCall | kCalls | kEnds)) != 0) {
      overwritten_x = {};
      overwritten_f = {};
      continue;
    }
    const bool is_x = node.op == IrOp::kGetX || node.op == IrOp::kSetX;
    const bool is_f = node.op == IrOp::kGetF || node.op == IrOp::kSetF;
    if (!is_x && !is_f) continue;
    bool& overwritten = (is_x ? overwritten_x : overwritten_f)[static_cast<usize>(node.imm)];
    if (node.op == IrOp::kGetX || node.op == IrOp::kGetF) {
      overwritten = overwritten && uses[i] == 0;
      continue;
    }
    const Ref value = node.operand[0];
    const bool needed = value.is_value() && last_user[value.index()] > node.guest;
    dead[i] = overwritten && !needed && !called[node.guest];
    overwritten = true;
  }
}

void mark_unused(const Ir& ir, std::vector<bool>& dead) {
  std::vector<u16> uses = count_uses(ir);
  for (usize i = ir.nodes.size(); i-- > 0;) {
    const Node& node = ir.nodes[i];
    if ((info(node.op).effects & ~kReadsGuest) == 0 && uses[i] == 0) dead[i] = true;
    if (!dead[i]) continue;
    for (const Ref ref : ir.operands(node)) {
      if (ref.is_value()) --uses[ref.index()];
    }
  }
}

void compact(Ir& ir, const std::vector<bool>& dead) {
  std::vector<Ref> renamed(ir.nodes.size());
  std::vector<Node> kept;
  for (usize i = 0; i < ir.nodes.size(); ++i) {
    if (dead[i]) continue;
    Node node = ir.nodes[i];
    for (usize k = 0; k < info(node.op).operands; ++k) {
      if (node.operand[k].is_value()) node.operand[k] = renamed[node.operand[k].index()];
    }
    renamed[i] = Ref::to_value(kept.size());
    kept.push_back(node);
  }
  ir.nodes = std::move(kept);
}

}  // namespace

void remove_dead(Ir& ir) {
  std::vector<bool> dead(ir.nodes.size());
  mark_dead_writes(ir, dead);
  mark_unused(ir, dead);
  compact(ir, dead);
}

void optimize(Ir& ir) {
  simplify(ir);
  remove_dead(ir);
}

}  // namespace quire::jit
