// The ways out of a block. Within the page: a jump, patched once its target is known. To other pages: the
// fetch entry of the new page leads to its code (emu/jit/fetch_x86.h).
//
// A guest's call is one of the host's, and its return, too, so that the host's processor predicts it. A
// return lands behind the call whose turn it is; there it is asked whether the guest means that place, in a
// page that is fetched from there now. What is no call's return goes on as any indirect jump
// (Stubs::dispatch): nothing is taken for granted of how the guest returns.
#include "emu/jit/fetch_x86.h"
#include "emu/jit/lower_x86.h"

namespace quire::jit {

using asmjit::Imm;
using asmjit::Label;

/// By the hints of the Unprivileged ISA (20240411, 2.5.1): ra and t0 are link registers.
LowerX86::Way LowerX86::way_of(u8 guest) const {
  const auto links = [](u8 r) { return r == 1 || r == 5; };
  const Insn& insn = ir_.insns[guest].insn;
  if (ir_.switches.has_off(Part::kReturns)) return Way::kJump;
  if (links(insn.rd)) return Way::kCall;
  return insn.op == Op::jalr && links(insn.rs1) && insn.imm == 0 ? Way::kReturn : Way::kJump;
}

/// An instruction begins in the held page and ends in this one, if that is what is fetched from there. It is
/// done in this page then, as by fetch(); else apart.
void LowerX86::go_across() {
  const Label other = as_.newLabel();
  get_page(kPageBytes);
  find_due_page(as_, other);
  as_.mov(x86::rax, Imm(reinterpret_cast<u64>(&target_.page)));
  as_.cmp(x86::rax, x86::rdx);
  as_.jne(other);
  hold_page(as_);
  cold_.push_back([this, other] {
    as_.bind(other);
    as_.add(kLeft, static_cast<u32>(ir_.insns.size()));
    as_.mov(x86::eax, static_cast<u32>(kPageBytes) + ir_.page_offset);
    as_.jmp(Imm(target_.stubs.apart));
  });
}

void LowerX86::branch(const Node& node) {
  const x86::CondCode code = condition(node.operand[0]);
  const i64 offset = i64{ir_.page_offset} + node.imm;
  if (offset >= 0 && offset < static_cast<i64>(kPageBytes)) {
    jump_in_page(static_cast<u16>(offset), code);
  } else {
    const Label taken = as_.newLabel();
    as_.j(code, taken);
    cold_.push_back([this, taken, offset] {
      as_.bind(taken);
      go_to_other_page(offset);
    });
  }
  go_to(ir_.insns.back().behind());
}

/// What was counted of the block and is not run is given back.
void LowerX86::branch_out(const Node& node) {
  const x86::CondCode code = condition(node.operand[0]);
  const Label out = as_.newLabel();
  as_.j(code, out);
  const u32 not_run = static_cast<u32>(ir_.insns.size() - 1 - node.guest);
  cold_.push_back([this, out, not_run, to = node.imm] {
    as_.bind(out);
    as_.add(kLeft, not_run);
    go_to(to);
  });
}

void LowerX86::go_to(i64 displacement) {
  const i64 offset = i64{ir_.page_offset} + displacement;
  if (offset >= 0 && offset < static_cast<i64>(kPageBytes)) {
    jump_in_page(static_cast<u16>(offset), {});
  } else {
    go_to_other_page(offset);
  }
}

/// Where `code` holds, or always.
void LowerX86::jump_in_page(u16 page_offset, std::optional<x86::CondCode> code) {
  const auto jump = [&](const auto& to) { code ? as_.j(*code, to) : as_.jmp(to); };
  if (page_offset == ir_.page_offset) return jump(again_);
  if (!loans().empty()) {
    if (code) {
      const Label out = as_.newLabel();
      as_.j(*code, out);
      cold_.push_back([this, out, page_offset] {
        as_.bind(out);
        jump_in_page(page_offset, {});
      });
      return;
    }
    give_back();
  }
  const Label stub = as_.newLabel();
  as_.long_();
  jump(stub);
  add_link(page_offset, stub);
}

/// The jump or call just written leads to `stub`, and once there is a block at the offset, there.
void LowerX86::add_link(u16 page_offset, Label stub) {
  target_.links.push_back({.page = &target_.page,
                           .patch_at = target_.code_offset + static_cast<u32>(as_.offset()) - 4,
                           .unlinked_at = 0,
                           .page_offset = page_offset,
                           .from = target_.from});
  Link* const link = &target_.links.back();
  cold_.push_back([this, stub, link] {
    as_.bind(stub);
    link->unlinked_at = target_.code_offset + static_cast<u32>(as_.offset());
    as_.mov(x86::rcx, Imm(reinterpret_cast<u64>(link)));
    as_.jmp(Imm(target_.stubs.link));
  });
}

/// The virtual page there, in rcx.
void LowerX86::get_page(i64 page_offset) {
  as_.mov(x86::rcx, fetch_page_field());
  as_.add(x86::rcx, static_cast<i32>(page_offset & -static_cast<i64>(kPageBytes)));
}

void LowerX86::go_to_other_page(i64 page_offset) {
  const u32 offset = static_cast<u32>(page_offset & (kPageBytes - 1));
  const Label unknown = as_.newLabel();
  give_back();
  get_page(page_offset);
  as_.mov(x86::eax, offset);
  enter_page(as_, unknown);
  as_.jmp(code_in_page(offset));
  cold_.push_back([this, unknown] {
    as_.bind(unknown);
    as_.or_(x86::rax, x86::rcx);
    as_.jmp(Imm(target_.stubs.miss));
  });
}

// --- calls and returns ---

void LowerX86::jump(const Node& node) {
  if (way_of(node.guest) == Way::kCall) return call(i64{ir_.page_offset} + node.imm, node.guest);
  go_to(node.imm);
}

void LowerX86::call(i64 page_offset, u8 guest) {
  if (page_offset < 0 || page_offset >= static_cast<i64>(kPageBytes)) {
    return call_other_page(page_offset, guest);
  }
  begin_call();
  if (page_offset == ir_.page_offset) {
    as_.call(start_);
  } else {
    const Label stub = as_.newLabel();
    as_.call(stub);
    add_link(static_cast<u16>(page_offset), stub);
  }
  land(guest, From::kSamePage);
}

void LowerX86::call_other_page(i64 page_offset, u8 guest) {
  const u32 offset = static_cast<u32>(page_offset & (kPageBytes - 1));
  const Label unknown = as_.newLabel();
  const Label landing = as_.newLabel();
  begin_call();
  get_page(page_offset);
  as_.mov(x86::eax, offset);
  enter_page(as_, unknown);
  as_.call(code_in_page(offset));
  as_.bind(landing);
  land(guest, From::kAnyPage);
  cold_.push_back([this, unknown, landing] {
    as_.bind(unknown);
    as_.or_(x86::rax, x86::rcx);
    leave_return(landing);
    as_.jmp(Imm(target_.stubs.miss));
  });
}

/// Forgets all that returns are to come by when there is no room for one more.
void LowerX86::begin_call() {
  const Label full = as_.newLabel();
  const Label room = as_.newLabel();
  as_.test(x86::esp, kReturnsBytes - 1);
  as_.jz(full);
  as_.bind(room);
  cold_.push_back([this, full, room] {
    as_.bind(full);
    as_.add(x86::rsp, kReturnsBytes - 8);
    as_.jmp(room);
  });
}

void LowerX86::leave_return(Label landing) {
  as_.lea(x86::rdx, x86::ptr(landing));
  as_.push(x86::rdx);
}

/// Behind the call that instruction `guest` is: with the pc in rax, to its block, if that is what is there.
void LowerX86::land(u8 guest, From from) {
  const SourceInsn& source = ir_.insns[guest];
  const u32 offset = static_cast<u32>(ir_.page_offset + source.place + source.insn.length);
  if (offset >= kPageBytes) {
    as_.jmp(Imm(target_.stubs.dispatch));
    return;
  }
  const Label elsewhere = as_.newLabel();
  as_.lea(x86::rcx, x86::ptr(x86::rax, -static_cast<i32>(offset)));
  if (from == From::kSamePage) {
    as_.cmp(x86::rcx, fetch_page_field());
    as_.jne(elsewhere);
    as_.mov(x86::rdx, Imm(reinterpret_cast<u64>(&target_.page)));
    as_.cmp(x86::rdx, fetch_blocks_field());
    as_.jne(elsewhere);
  } else {
    find_page(as_, elsewhere);
    as_.mov(x86::rax, Imm(reinterpret_cast<u64>(&target_.page)));
    as_.cmp(x86::rax, x86::rdx);
    as_.jne(elsewhere);
    hold_page(as_);
  }
  // By a link also to this block's own start: it may have been dropped since the call.
  const Label stub = as_.newLabel();
  as_.long_();
  as_.jmp(stub);
  add_link(static_cast<u16>(offset), stub);
  cold_.push_back([this, elsewhere, offset] {
    as_.bind(elsewhere);
    as_.lea(x86::rax, x86::ptr(x86::rcx, static_cast<i32>(offset)));
    as_.jmp(Imm(target_.stubs.dispatch));
  });
}

/// As an offset from the start of the page.
std::optional<i64> LowerX86::known_target(Ref target) const {
  if (!target.is_value()) return {};
  const Node& sum = definition(target);
  if (sum.op != IrOp::kAdd || !sum.operand[0].is_value() || !sum.operand[1].is_constant()) return {};
  if (definition(sum.operand[0]).op != IrOp::kPageBase) return {};
  const i64 offset = static_cast<i64>(ir_.value_of(sum.operand[1]));
  // As a displacement, and that of its page.
  if (offset < INT32_MIN + static_cast<i64>(kPageBytes) || offset > INT32_MAX) return {};
  return offset & ~i64{1};
}

/// Nothing else is needed any more: any register may be lost.
void LowerX86::jump_indirect(const Node& node) {
  const Way way = way_of(node.guest);
  const Ref target = is_deferred(node.operand[0]) ? definition(node.operand[0]).operand[0] : node.operand[0];
  if (is_deferred(target)) {
    const i64 offset = *known_target(target);
    return way == Way::kCall ? call(offset, node.guest) : go_to(offset - ir_.page_offset);
  }
  move(x86::rax, target);
  if (way == Way::kReturn) {
    as_.ret();
    return;
  }
  const Label known = as_.newLabel();
  const Label unknown = as_.newLabel();
  const Label landing = as_.newLabel();
  if (way == Way::kCall) begin_call();
  split_target(as_);
  as_.je(known);
  enter_page(as_, unknown);
  as_.bind(known);
  if (way == Way::kCall) {
    as_.call(code_in_page());
    as_.bind(landing);
    land(node.guest, From::kAnyPage);
  } else {
    as_.jmp(code_in_page());
  }
  cold_.push_back([this, unknown, landing, way] {
    as_.bind(unknown);
    as_.or_(x86::rax, x86::rcx);
    if (way == Way::kCall) leave_return(landing);
    as_.jmp(Imm(target_.stubs.miss));
  });
}

}  // namespace quire::jit
