#include "emu/jit/lower_x86.h"

#include "emu/isa/sem/f.h"
#include "emu/jit/fold.h"

namespace quire::jit {
namespace {

#ifdef NDEBUG
constexpr bool kVerifies = false;
#else
constexpr bool kVerifies = true;
#endif

}  // namespace

LowerX86::LowerX86(const Ir& ir, const LowerTarget& target, x86::Assembler& as)
    : ir_(ir),
      target_(target),
      as_(as),
      remaining_(ir.nodes.size(), &memory_),
      deferred_(ir.nodes.size(), &memory_),
      held_(ir.nodes.size(), &memory_),
      reloads_(ir.insns.size(), &memory_),
      neighbours_behind_(ir.insns.size(), &memory_) {
  count_uses(ir, remaining_);
  find_deferred();
  choose_loans();
}

/// Comparisons whose only use is a choice or branch of the same instruction, and sums that are only
/// addresses.
void LowerX86::find_deferred() {
  for (const Node& user : ir_.nodes) {
    if (user.op == IrOp::kSetF) defer_boxing(user);
    if (user.op == IrOp::kJumpIndirect) defer_target(user);
    const bool chooses = user.op == IrOp::kBranch || user.op == IrOp::kBranchOut || user.op == IrOp::kSelect;
    const bool accesses = user.op == IrOp::kLoad || user.op == IrOp::kLoadSigned || user.op == IrOp::kStore;
    if ((!chooses && !accesses) || !user.operand[0].is_value()) continue;
    const usize index = user.operand[0].index();
    const Node& node = ir_.nodes[index];
    if (node.guest != user.guest || remaining_[index] != 1) continue;
    if (chooses && is_comparison(node.op)) deferred_[index] = 1;
    if (accesses && node.op == IrOp::kAdd && node.operand[1].is_constant()) {
      const i64 displacement = static_cast<i64>(ir_.value_of(node.operand[1]));
      // The last byte's address is a displacement, too.
      if (displacement >= INT32_MIN && displacement <= INT32_MAX - 8) deferred_[index] = 1;
    }
  }
}

/// A single that is put into its box: the two halves are written apart.
void LowerX86::defer_boxing(const Node& write) {
  if (!write.operand[0].is_value()) return;
  const usize index = write.operand[0].index();
  const Node& node = ir_.nodes[index];
  if (node.op == IrOp::kOr && node.guest == write.guest &&
      ir_.is_constant(node.operand[1], static_cast<u64>(kNanBox))) {
    deferred_[index] = 1;
  }
}

/// The lowest bit of a target does not count, and one that is known in the page's terms is not computed.
void LowerX86::defer_target(const Node& jump) {
  const auto is_ours = [&](Ref ref, IrOp op) {
    return ref.is_value() && definition(ref).op == op && definition(ref).guest == jump.guest &&
           remaining_[ref.index()] == 1 && definition(ref).operand[1].is_constant();
  };
  const Ref target = jump.operand[0];
  if (!is_ours(target, IrOp::kAnd) || !ir_.is_constant(definition(target).operand[1], ~u64{1})) return;
  deferred_[target.index()] = true;
  const Ref sum = definition(target).operand[0];
  if (is_ours(sum, IrOp::kAdd) && known_target(sum)) deferred_[sum.index()] = true;
}

void LowerX86::emit_hot() {
  prologue();
  for (usize i = 0; i < ir_.nodes.size(); ++i) {
    // A block's way on is behind its last instruction, which may come from a call.
    const bool behind = ir_.nodes[i].op == IrOp::kFallThrough;
    if (i == 0 || behind || ir_.nodes[i].guest != guest_) begin_insn(ir_.nodes[i].guest);
    if (deferred_[i] != 0) continue;
    lower(i);
    end_node(ir_.nodes[i]);
    if constexpr (kVerifies) verify_places(i);
  }
  if (end_of_insn_.isValid()) as_.bind(end_of_insn_);
}

/// Counts the block's instructions, unless that is more than may run.
void LowerX86::prologue() {
  start_ = as_.newLabel();
  again_ = as_.newLabel();
  as_.bind(start_);
  check_windows();
  lend();
  as_.bind(again_);
  if (target_.windows != nullptr && target_.windows->on_trial) as_.inc(reach(&target_.windows->runs));
  const u32 count = static_cast<u32>(ir_.insns.size());
  const asmjit::Label too_long = as_.newLabel();
  as_.sub(kLeft, count);
  as_.jl(too_long);
  cold_.push_back([this, too_long, count] {
    as_.bind(too_long);
    give_back();
    as_.add(kLeft, count);
    as_.mov(x86::eax, ir_.page_offset & static_cast<i32>(kPageBytes - 1));
    as_.jmp(asmjit::Imm(target_.stubs.too_long));
  });
  if (ir_.page_offset < 0) go_across();
}

/// Of integer values, nothing but guest registers outlives an instruction.
void LowerX86::begin_insn(u8 guest) {
  end_fp_values();
  if (end_of_insn_.isValid()) as_.bind(end_of_insn_);
  end_of_insn_ = {};  // until something leads there
  note_neighbours();
  guest_ = guest;
  for (Temp& t : temps_) {
    if (t.holds.is_value()) held_[t.holds.index()].temp = -1;
    t = {};
  }
  for (Ref& slot : slots_) {
    if (slot.is_value()) held_[slot.index()].slot = -1;
    slot = {};
  }
}

/// What there must be again behind a call of the instruction that ends here.
void LowerX86::note_neighbours() {
  if (!neighbours_.any()) return;
  if (neighbours_.last_guest <= guest_) {
    neighbours_ = {};
    return;
  }
  neighbours_behind_[guest_] = neighbours_;
  neighbours_behind_[guest_].home = home_register(neighbours_.base);
}

void LowerX86::lower(usize at) {
  const Node& node = ir_.nodes[at];
  switch (node.op) {
    case IrOp::kGetX:
      return get_x(at);
    case IrOp::kSetX:
      return set_x(at);
    case IrOp::kGetF:
      return get_f(at);
    case IrOp::kSetF:
      return set_f(at);
    case IrOp::kPageBase:
      return;  // read where it is used
    case IrOp::kLoad:
    case IrOp::kLoadSigned:
      return load(at);
    case IrOp::kStore:
      return store(at);
    case IrOp::kLoadReserved:
      return load_reserved(at);
    case IrOp::kStoreConditional:
      return store_conditional(at);
    case IrOp::kAmo:
      return amo(at);
    case IrOp::kZeroBlock:
      return zero_block(at);
    case IrOp::kCheckSupervisor:
      return check_supervisor(node);
    case IrOp::kGetCsr:
      return get_csr(at);
    case IrOp::kSetCsr:
      return set_csr(node);
    case IrOp::kSetStatus:
      return set_status(node);
    case IrOp::kSetStatusBits:
      return set_status_bits(node);
    case IrOp::kClearStatusBits:
      return clear_status_bits(node);
    case IrOp::kCheckFp:
      return check_fp(node);
    case IrOp::kCheckFpDirty:
      return check_fp_dirty(node);
    case IrOp::kFp:
      return fp(at);
    case IrOp::kEcall:
      return leave_by(target_.stubs.ecall);
    case IrOp::kSret:
      return leave_by(target_.stubs.sret);
    case IrOp::kCallAndLeave:
      as_.jmp(slow_path(node.guest, Behind::kElsewhere));
      return;
    case IrOp::kCall:
      // Always by the call: the fast path is a jump there and back.
      as_.jmp(slow_path(node.guest));
      return know_nothing();
    case IrOp::kBranch:
      return branch(node);
    case IrOp::kBranchOut:
      return branch_out(node);
    case IrOp::kJump:
      return jump(node);
    case IrOp::kFallThrough:
      return go_to(ir_.insns.back().behind());
    case IrOp::kJumpIndirect:
      return jump_indirect(node);
    default:
      return integer(at);
  }
}

/// Registers may hold anything, and FS and the rounding mode be others.
void LowerX86::know_nothing() {
  neighbours_ = {};
  x_now_ = {};
  f_now_ = {};
  held_fp_ = {};
  boxed_ = 0;
  usable_rm_ = 0;
  fs_dirty_ = false;
  fs_on_ = false;
}

const CallSite& LowerX86::add_site(u8 guest, Behind behind, Window* window) {
  const SourceInsn& source = ir_.insns[guest];
  target_.sites.push_back({.insn = source.insn,
                           .page = &target_.page,
                           .page_offset = static_cast<i16>(ir_.page_offset + source.place),
                           .not_run = static_cast<u16>(ir_.insns.size() - guest),
                           .returns = behind == Behind::kInBlock,
                           .window = window,
                           .windows = target_.windows});
  return target_.sites.back();
}

/// Does instruction `guest` by a call and goes on behind it.
asmjit::Label LowerX86::slow_path(u8 guest, Behind behind, Window* window) {
  const asmjit::Label entry = as_.newLabel();
  const CallSite* site = &add_site(guest, behind, window);
  if (!end_of_insn_.isValid()) end_of_insn_ = as_.newLabel();
  cold_.push_back([this, entry, site, guest, back = end_of_insn_] {
    as_.bind(entry);
    give_back();
    as_.mov(x86::rcx, asmjit::Imm(reinterpret_cast<u64>(site)));
    if (!site->returns) {
      as_.jmp(asmjit::Imm(target_.stubs.call_last));
      return;
    }
    as_.call(asmjit::Imm(target_.stubs.call));
    lend();
    for (const Reload& reload : reloads_[guest]) {
      load_f(reload.to, f_home(reload.from), reload.format);
    }
    check_windows_behind_call();
    look_up_again(guest);
    as_.jmp(back);
  });
  return entry;
}

void LowerX86::emit_cold() {
  cold_.write_all();
  emit_reset();
}

void LowerX86::get_x(usize at) {
  const u8 r = static_cast<u8>(ir_.nodes[at].imm);
  x_now_[r] = Ref::to_value(at);
  held_[at].home = r;
  held_[at].homes |= u32{1} << r;
}

void LowerX86::set_x(usize at) {
  const Node& node = ir_.nodes[at];
  const u8 r = static_cast<u8>(node.imm);
  const Ref value = node.operand[0];
  const x86::Gp host = pinned(r);
  const Ref old = x_now_[r];
  if (old.is_value() && old != value && held_[old.index()].home == r) {
    held_[old.index()].home = another_home(old, r);
    const Held& h = held_[old.index()];
    if (h.home == 0 && h.temp < 0 && h.slot < 0 && remaining_[old.index()] > 0) {
      const x86::Gp copy = temp();
      host.isValid() ? as_.mov(copy, host) : as_.mov(copy, x_home(r));
      hold(old.index(), copy);
    }
  }
  if (host.isValid()) {
    if (!is_in(value, host)) move(host, value);
  } else {
    const asmjit::Operand from = place(value);
    if (from.isMem()) {
      as_.mov(x_home(r), reg(value));
    } else {
      as_.emit(x86::Inst::kIdMov, x_home(r), from);
    }
  }
  x_now_[r] = value.is_value() ? value : Ref{};
  if (!value.is_value()) return;
  Held& held = held_[value.index()];
  held.early = {};
  held.homes |= u32{1} << r;
  if (held.home == 0 || host.isValid()) held.home = r;
}

}  // namespace quire::jit
