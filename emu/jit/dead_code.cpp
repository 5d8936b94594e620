// Register writes that nothing sees, and operations whose value nothing uses.
#include <bitset>

#include "emu/jit/passes.h"

namespace quire::jit {
namespace {

/// What the walk needs to know of each operation, and of each instruction.
struct Facts {
  explicit Facts(const Ir& ir) : uses(ir.nodes.size()), last_user(ir.nodes.size()) {
    for (const Node& node : ir.nodes) {
      if ((info(node.op).effects & kMayCall) != 0) called[node.guest] = true;
      for (const Ref ref : ir.operands(node)) {
        if (!ref.is_value()) continue;
        ++uses[ref.index()];
        last_user[ref.index()] = node.guest;
      }
    }
  }

  std::vector<u16> uses;      // by what is not dead
  std::vector<u8> last_user;  // the last instruction with a use
  std::bitset<256> called;    // instructions that a call may do instead
};

class Remover {
 public:
  explicit Remover(Ir& ir) : ir_(ir), facts_(ir), dead_(ir.nodes.size()) {}

  /// From the end on: what uses a value is known to be dead or not before the value is looked at.
  void run() {
    for (usize i = ir_.nodes.size(); i-- > 0;) {
      const Node& node = ir_.nodes[i];
      const bool unused = (info(node.op).effects & ~kReadsGuest) == 0 && facts_.uses[i] == 0;
      if (!unused && !is_dead_write(node)) continue;
      dead_[i] = 1;
      for (const Ref ref : ir_.operands(node)) {
        if (ref.is_value()) --facts_.uses[ref.index()];
      }
    }
    compact();
  }

 private:
  /// A write is dead where another of the same register follows before anything that can see it; but a value
  /// that later instructions use needs its register, and where a call may do the instruction, the register
  /// changes all the same: what it held must not be looked for there.
  bool is_dead_write(const Node& node) {
    if ((info(node.op).effects & (kMayCall | kCalls | kEnds | kLeaves)) != 0) {
      overwritten_x_ = overwritten_f_ = 0;
      return false;
    }
    const bool is_x = node.op == IrOp::kGetX || node.op == IrOp::kSetX;
    const bool is_f = node.op == IrOp::kGetF || node.op == IrOp::kSetF;
    if (!is_x && !is_f) return false;
    u32& overwritten = is_x ? overwritten_x_ : overwritten_f_;
    const u32 bit = u32{1} << node.imm;
    if (node.op == IrOp::kGetX || node.op == IrOp::kGetF) {
      overwritten &= ~bit;
      return false;
    }
    const Ref value = node.operand[0];
    const bool needed = value.is_value() && facts_.last_user[value.index()] > node.guest;
    const bool is_dead = (overwritten & bit) != 0 && !needed && !facts_.called[node.guest];
    overwritten |= bit;
    return is_dead;
  }

  void compact() {
    std::vector<Ref> renamed(ir_.nodes.size());
    usize kept = 0;
    for (usize i = 0; i < ir_.nodes.size(); ++i) {
      if (dead_[i] != 0) continue;
      renamed[i] = Ref::to_value(kept);
      Node& node = ir_.nodes[kept];
      if (kept++ != i) node = ir_.nodes[i];
      for (Ref& ref : node.operand) {
        if (ref.is_value()) ref = renamed[ref.index()];
      }
    }
    ir_.nodes.resize(kept);
  }

  Ir& ir_;
  Facts facts_;
  std::vector<u8> dead_;
  u32 overwritten_x_ = 0;  // behind the operation at hand, before anything sees them
  u32 overwritten_f_ = 0;
};

}  // namespace

void remove_dead(Ir& ir) { Remover(ir).run(); }

void optimize(Ir& ir) {
  simplify(ir);
  remove_dead(ir);
}

}  // namespace quire::jit
