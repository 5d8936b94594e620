// Forwarding and folding, in one walk in the order of execution.
#include <algorithm>
#include <array>
#include <bit>

#include "emu/jit/fold.h"
#include "emu/jit/passes.h"

namespace quire::jit {
namespace {

class Simplifier {
 public:
  explicit Simplifier(Ir& ir) : ir_(ir), replaced_(ir.nodes.size()), uses_(count_uses(ir)) {}
  void run();

 private:
  struct Registers {
    std::array<Ref, 32> x{};
    std::array<Ref, 32> f{};
  };

  void visit(usize at);
  void read(usize at, Ref& known);
  void write(usize at, Ref& known);
  /// Not a value any more but this one.
  void replace(usize at, Ref by) { replaced_[at] = by; }
  void become_binary(usize at, IrOp op, Ref a, Ref b);
  bool fold(usize at);
  bool fold_identity(usize at);
  bool fold_add(usize at);
  bool fold_and(usize at);
  bool fold_xor(usize at);
  bool fold_shift(usize at);
  bool fold_extension(usize at);
  bool fold_branch(usize at);
  bool fold_branch_out(usize at);
  /// Whether an operation of the instruction at hand may use it (see emu/jit/passes.h).
  bool available(Ref ref) const;
  /// The operation behind a value; null: a constant.
  Node* definition(Ref ref) { return ref.is_value() ? &ir_.nodes[ref.index()] : nullptr; }
  const Node* definition(Ref ref) const { return ref.is_value() ? &ir_.nodes[ref.index()] : nullptr; }

  /// Operations that are looked at to find out what a value can be.
  static constexpr unsigned kLookBack = 4;
  bool sign_extended(Ref ref, i64 bits, unsigned depth = kLookBack) const;
  unsigned width(Ref ref, unsigned depth = kLookBack) const;

  Ir& ir_;
  std::vector<Ref> replaced_;
  std::vector<u16> uses_;
  Registers now_;
  u8 guest_ = 0;
};

void Simplifier::run() {
  for (usize i = 0; i < ir_.nodes.size(); ++i) visit(i);
}

void Simplifier::visit(usize at) {
  Node& node = ir_.nodes[at];
  guest_ = node.guest;
  for (usize i = 0; i < info(node.op).operands; ++i) {
    Ref& ref = node.operand[i];
    if (ref.is_value() && !replaced_[ref.index()].is_none()) ref = replaced_[ref.index()];
  }
  const usize r = static_cast<usize>(node.imm);
  switch (node.op) {
    case IrOp::kGetX:
      return read(at, now_.x[r]);
    case IrOp::kGetF:
      return read(at, now_.f[r]);
    case IrOp::kSetX:
      return write(at, now_.x[r]);
    case IrOp::kSetF:
      return write(at, now_.f[r]);
    case IrOp::kCall:
      now_ = {};  // one of them has been written, and by calls of devices any
      return;
    default:
      while (fold(at)) {
      }
  }
}

void Simplifier::read(usize at, Ref& known) {
  if (known.is_none()) {
    known = Ref::to_value(at);
  } else {
    replace(at, known);
  }
}

void Simplifier::write(usize at, Ref& known) {
  Node& node = ir_.nodes[at];
  if (known ==
      node.operand[0]) {  // it is there already; a read that nothing uses takes the place of the write
    node.op = node.op == IrOp::kSetX ? IrOp::kGetX : IrOp::kGetF;
    node.operand[0] = {};
    replace(at, known);
    return;
  }
  known = node.operand[0];
  // The lowering looks for operands of floating point in f registers.
  if (node.op == IrOp::kSetF && known.is_constant()) known = {};
}

bool Simplifier::available(Ref ref) const {
  if (ref.is_constant()) return true;
  const Node& node = ir_.nodes[ref.index()];
  if (node.guest == guest_ || node.op == IrOp::kPageBase) return true;
  for (const Ref held : now_.x) {
    if (held == ref) return true;
  }
  for (const Ref held : now_.f) {
    if (held == ref) return true;
  }
  return false;
}

void Simplifier::become_binary(usize at, IrOp op, Ref a, Ref b) {
  Node& node = ir_.nodes[at];
  node.op = op;
  node.imm = 0;
  node.operand[0] = a;
  node.operand[1] = b;
  node.operand[2] = {};
}

/// Whether something changed and the node, if it is still one, is worth another look.
bool Simplifier::fold(usize at) {
  Node& node = ir_.nodes[at];
  if (!replaced_[at].is_none()) return false;
  if (node.op == IrOp::kBranch) return fold_branch(at);
  if (node.op == IrOp::kBranchOut) return fold_branch_out(at);
  if (info(node.op).effects != kPure) return false;
  if (is_commutative(node.op) && node.operand[0].is_constant() && !node.operand[1].is_constant()) {
    std::swap(node.operand[0], node.operand[1]);
  }
  bool all_constant = true;
  u64 values[3] = {};
  for (usize i = 0; i < info(node.op).operands; ++i) {
    all_constant = all_constant && node.operand[i].is_constant();
    if (node.operand[i].is_constant()) values[i] = ir_.value_of(node.operand[i]);
  }
  if (all_constant) {
    if (const auto value = fold_constants(node.op, node.imm, values[0], values[1], values[2])) {
      replace(at, ir_.constant(*value));
      return false;
    }
  }
  return fold_identity(at);
}

bool Simplifier::fold_identity(usize at) {
  Node& node = ir_.nodes[at];
  switch (node.op) {
    case IrOp::kAdd:
      return fold_add(at);
    case IrOp::kSub:
      if (!node.operand[1].is_constant()) return false;
      become_binary(at, IrOp::kAdd, node.operand[0], ir_.constant(0 - ir_.value_of(node.operand[1])));
      return true;
    case IrOp::kAnd:
      return fold_and(at);
    case IrOp::kOr:
      if (ir_.is_constant(node.operand[1], 0)) replace(at, node.operand[0]);
      return false;
    case IrOp::kXor:
      return fold_xor(at);
    case IrOp::kShl:
    case IrOp::kShrU:
    case IrOp::kShrS:
      return fold_shift(at);
    case IrOp::kSext:
    case IrOp::kZext:
      return fold_extension(at);
    case IrOp::kSelect:
      if (node.operand[0].is_constant()) {
        replace(at, node.operand[ir_.value_of(node.operand[0]) != 0 ? 1 : 2]);
      }
      return false;
    default:
      return false;
  }
}

bool Simplifier::fold_add(usize at) {
  Node& node = ir_.nodes[at];
  if (ir_.is_constant(node.operand[1], 0)) {
    replace(at, node.operand[0]);
    return false;
  }
  const Node* inner = definition(node.operand[0]);
  if (!node.operand[1].is_constant() || inner->op != IrOp::kAdd || !inner->operand[1].is_constant() ||
      !available(inner->operand[0])) {
    return false;
  }
  const u64 sum = ir_.value_of(inner->operand[1]) + ir_.value_of(node.operand[1]);
  become_binary(at, IrOp::kAdd, inner->operand[0], ir_.constant(sum));
  return true;
}

bool Simplifier::fold_and(usize at) {
  Node& node = ir_.nodes[at];
  if (!node.operand[1].is_constant()) return false;
  const u64 mask = ir_.value_of(node.operand[1]);
  if (mask == 0) {
    replace(at, node.operand[1]);
  } else if (mask == ~u64{0}) {
    replace(at, node.operand[0]);
  } else if (mask == 0xff || mask == 0xffff || mask == 0xffff'ffff) {
    node.op = IrOp::kZext;
    node.operand[1] = {};
    node.imm = mask == 0xff ? 8 : mask == 0xffff ? 16 : 32;
    return true;
  }
  // Bits that the mask drops need not be made.
  const Node* inner = definition(node.operand[0]);
  if (inner != nullptr && inner->op == IrOp::kSext && mask >> inner->imm == 0 &&
      available(inner->operand[0])) {
    node.operand[0] = inner->operand[0];
    return true;
  }
  return false;
}

bool Simplifier::fold_xor(usize at) {
  Node& node = ir_.nodes[at];
  if (ir_.is_constant(node.operand[1], 0)) {
    replace(at, node.operand[0]);
    return false;
  }
  if (!ir_.is_constant(node.operand[1], 1)) return false;
  const Node* inner = definition(node.operand[0]);
  const auto inverse = opposite(inner->op);
  if (!inverse || !available(inner->operand[0]) || !available(inner->operand[1])) return false;
  become_binary(at, *inverse, inner->operand[0], inner->operand[1]);
  return true;
}

/// Amounts count modulo 64, and two shifts by the same amount may be an extension (what compilers write where
/// there is no instruction for it).
bool Simplifier::fold_shift(usize at) {
  Node& node = ir_.nodes[at];
  if (ir_.is_constant(node.operand[1], 0)) {
    replace(at, node.operand[0]);
    return false;
  }
  const Node* amount = definition(node.operand[1]);
  if (amount != nullptr && amount->op == IrOp::kAnd && ir_.is_constant(amount->operand[1], 63) &&
      available(amount->operand[0])) {
    node.operand[1] = amount->operand[0];
    return true;
  }
  const Node* inner = definition(node.operand[0]);
  if (node.op == IrOp::kShl || inner == nullptr || inner->op != IrOp::kShl ||
      inner->operand[1] != node.operand[1] || !node.operand[1].is_constant() ||
      !available(inner->operand[0])) {
    return false;
  }
  const i64 bits = 64 - static_cast<i64>(ir_.value_of(node.operand[1]));
  if (bits != 8 && bits != 16 && bits != 32) return false;
  node.op = node.op == IrOp::kShrU ? IrOp::kZext : IrOp::kSext;
  node.imm = bits;
  node.operand[0] = inner->operand[0];
  node.operand[1] = {};
  return true;
}

/// Bits that a value can have, from the lowest on: it is below two to that power.
unsigned Simplifier::width(Ref ref, unsigned depth) const {
  constexpr unsigned kAll = 64;
  if (ref.is_constant()) return kAll - static_cast<unsigned>(std::countl_zero(ir_.value_of(ref)));
  const Node& node = *definition(ref);
  if (info(node.op).type == Type::kBit) return 1;
  if (depth == 0) return kAll;
  const auto of = [&](usize i) { return width(node.operand[i], depth - 1); };
  switch (node.op) {
    case IrOp::kLoad:
      return static_cast<unsigned>(node.imm) * 8;
    case IrOp::kZext:
      return std::min(static_cast<unsigned>(node.imm), of(0));
    case IrOp::kAnd:
      return std::min(of(0), of(1));
    case IrOp::kOr:
    case IrOp::kXor:
      return std::max(of(0), of(1));
    case IrOp::kAdd:
      return std::min(kAll, std::max(of(0), of(1)) + 1);
    case IrOp::kSelect:
      return std::max(of(1), of(2));
    case IrOp::kShrU:
    case IrOp::kShl: {
      if (!node.operand[1].is_constant()) return kAll;
      const unsigned amount = static_cast<unsigned>(ir_.value_of(node.operand[1]) & (kAll - 1));
      const unsigned before = of(0);
      if (node.op == IrOp::kShl) return std::min(kAll, before + amount);
      return before > amount ? before - amount : 0;
    }
    default:
      return kAll;
  }
}

/// Whether a value is what its low `bits` are, sign-extended.
bool Simplifier::sign_extended(Ref ref, i64 bits, unsigned depth) const {
  if (static_cast<i64>(width(ref, depth)) < bits) return true;
  const Node* node = definition(ref);
  if (node == nullptr || depth == 0) return false;
  const auto of = [&](usize i) { return sign_extended(node->operand[i], bits, depth - 1); };
  switch (node->op) {
    case IrOp::kSext:
      return node->imm <= bits;
    case IrOp::kLoadSigned:
      return node->imm * 8 <= bits;
    case IrOp::kAnd:
    case IrOp::kOr:
    case IrOp::kXor:
      return of(0) && of(1);
    case IrOp::kSelect:
      return of(1) && of(2);
    default:
      return false;
  }
}

bool Simplifier::fold_extension(usize at) {
  Node& node = ir_.nodes[at];
  Node* inner = definition(node.operand[0]);
  if (inner == nullptr) return false;
  if (node.op == IrOp::kSext) {
    if (inner->op == IrOp::kLoad && inner->guest == guest_ && inner->imm * 8 == node.imm &&
        uses_[node.operand[0].index()] == 1) {
      inner->op = IrOp::kLoadSigned;
      replace(at, node.operand[0]);
      return false;
    }
    if (sign_extended(node.operand[0], node.imm)) {
      replace(at, node.operand[0]);
      return false;
    }
  } else if (static_cast<i64>(width(node.operand[0])) <= node.imm) {
    replace(at, node.operand[0]);
    return false;
  }
  // The bits above those extended from do not matter.
  const bool extension = inner->op == IrOp::kSext || inner->op == IrOp::kZext;
  if (!extension || inner->imm < node.imm || !available(inner->operand[0])) return false;
  node.operand[0] = inner->operand[0];
  return true;
}

bool Simplifier::fold_branch(usize at) {
  Node& node = ir_.nodes[at];
  if (!node.operand[0].is_constant()) return false;
  node.op = ir_.value_of(node.operand[0]) != 0 ? IrOp::kJump : IrOp::kFallThrough;
  node.operand[0] = {};
  return false;
}

/// One that is never taken is no more than an unused read. (One that always is stays as it is: what stands
/// behind it is never reached.)
bool Simplifier::fold_branch_out(usize at) {
  Node& node = ir_.nodes[at];
  if (ir_.is_constant(node.operand[0], 0)) node = {.op = IrOp::kPageBase, .guest = node.guest, .operand = {}};
  return false;
}

}  // namespace

void simplify(Ir& ir) { Simplifier(ir).run(); }

}  // namespace quire::jit
