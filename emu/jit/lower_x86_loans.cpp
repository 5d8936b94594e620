// Loans: in a hot block that jumps to itself, host registers that it has no use for are lent to guest
// registers that have none. They change places when the block is entered, and again wherever it is left.
//
// Invariant: outside the block, and in all that it calls, registers are where kPinned says.
#include <algorithm>
#include <array>

#include "emu/jit/lower_x86.h"

namespace quire::jit {
namespace {

/// What may be in such a block: nothing that knows where registers are but by pinned().
bool allows_loans(IrOp op) {
  return op <= IrOp::kStore || op == IrOp::kCheckFp || op == IrOp::kFp || op == IrOp::kBranch ||
         op == IrOp::kBranchOut || op == IrOp::kJump;
}

/// How often each x register is read, twice where it is an address, and written, twice.
std::array<u16, 32> count_accesses(const Ir& ir) {
  std::array<u16, 32> result{};
  std::array<u8, 32> read_first{};
  for (const Node& node : ir.nodes) {
    if (node.op == IrOp::kSetX) result[static_cast<u8>(node.imm)] += 2;
    if (node.op == IrOp::kGetX) ++read_first[static_cast<u8>(node.imm)];
    for (const Ref ref : ir.operands(node)) {
      if (!ref.is_value()) continue;
      const Node& from = ir.nodes[ref.index()];
      const bool is_address =
          node.op == IrOp::kLoad || node.op == IrOp::kLoadSigned || node.op == IrOp::kStore;
      if (from.op == IrOp::kGetX) result[static_cast<u8>(from.imm)] += is_address ? 2 : 1;
    }
  }
  for (usize r = 0; r < result.size(); ++r) result[r] = std::max<u16>(result[r], read_first[r]);
  return result;
}

}  // namespace

void LowerX86::choose_loans() {
  pinned_ = kPinnedOf;
  pinned_in_ = kPinnedIn;
  const Node& last = ir_.nodes.back();
  const bool jumps = last.op == IrOp::kJump && way_of(last.guest) == Way::kJump;
  const bool is_loop = (last.op == IrOp::kBranch || jumps) && last.imm == 0;
  if (!target_.is_hot || !is_loop || ir_.switches.has_off(Part::kLoans)) return;
  if (!std::all_of(ir_.nodes.begin(), ir_.nodes.end(), [](const Node& n) { return allows_loans(n.op); }))
    return;
  auto uses = count_accesses(ir_);
  for (const Pinned& p : kPinned) {
    if (uses[p.guest] != 0) continue;
    usize best = 0;
    for (usize r = 1; r < uses.size(); ++r) {
      if (!kPinnedOf[r].isValid() && uses[r] > uses[best]) best = r;
    }
    if (uses[best] < 2) return;
    loans_[loan_count_++] = {p.host, p.guest, static_cast<u8>(best)};
    pinned_[p.guest] = {};
    pinned_[best] = p.host;
    pinned_in_[p.host.id()] = static_cast<u8>(best);
    uses[best] = 0;
  }
}

void LowerX86::lend() {
  for (const Loan& loan : loans()) {
    as_.mov(x_home(loan.owner), loan.host);
    as_.mov(loan.host, x_home(loan.borrower));
  }
}

void LowerX86::give_back() {
  for (const Loan& loan : loans()) {
    as_.mov(x_home(loan.borrower), loan.host);
    as_.mov(loan.host, x_home(loan.owner));
  }
}

}  // namespace quire::jit
