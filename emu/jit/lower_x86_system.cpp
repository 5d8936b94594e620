// Atomics, as FastContext (emu/interp/fast_context.h) has them, and the CSRs that a kernel's way in and out
// consists of. Harts take turns on one thread, so that plain loads and stores are atomic.
#include "emu/base/assert.h"
#include "emu/hart/csr.h"
#include "emu/jit/lower_x86.h"
#include "emu/jit/system_stubs.h"

namespace quire::jit {

using asmjit::Imm;
using asmjit::Label;

namespace {

/// What values may be below rsp.
constexpr i32 kSpillBytes = kSpillSlots * 8;
constexpr u8 kUxlBit = 33;  // UXL is 2: 64 bits
constexpr u8 kSdBit = 63;

x86::Mem csr_field(u16 csr) {
  switch (static_cast<Csr>(csr)) {
    case Csr::sscratch:
      return state_field(offsetof(HartState, sscratch), 8);
    case Csr::sepc:
      return state_field(offsetof(HartState, sepc), 8);
    case Csr::scause:
      return state_field(offsetof(HartState, scause), 8);
    case Csr::stval:
      return state_field(offsetof(HartState, stval), 8);
    default:
      QUIRE_UNREACHABLE();
  }
}

/// All of sstatus that is written is there.
x86::Mem status_half() { return state_field(offsetof(HartState, mstatus), 4); }
x86::Mem mstatus() { return state_field(offsetof(HartState, mstatus), 8); }
x86::Mem fp_status() { return state_field(offsetof(HartState, fp_status), 1); }

}  // namespace

/// The host's address in rax; rcx and rdx are free then. Where it is not known: the call, whose label is
/// returned for what else may be amiss.
Label LowerX86::data_address(usize at, unsigned bytes, Access access) {
  const Node& node = ir_.nodes[at];
  const auto [base, first] = address_of(node.operand[0]);
  for (const x86::Gp& host : kTemps) claim(host);
  move(x86::rax, base);
  const Label slow = slow_path(node.guest);
  look_up(x86::rax, first, first + static_cast<i32>(bytes) - 1, access, x86::rdx, slow);
  as_.lea(x86::rax, x86::ptr(x86::rax, x86::rcx, 0, first));
  return slow;
}

/// Likewise; misaligned ones are left to the call.
void LowerX86::atomic_address(usize at, unsigned bytes, Access access) {
  const Label slow = data_address(at, bytes, access);
  as_.test(x86::al, bytes - 1);
  as_.jnz(slow);
}

void LowerX86::load_reserved(usize at) {
  const unsigned bytes = static_cast<unsigned>(ir_.nodes[at].imm);
  atomic_address(at, bytes, Access::kRead);
  bytes == 8 ? as_.mov(x86::rcx, x86::qword_ptr(x86::rax)) : as_.mov(x86::ecx, x86::dword_ptr(x86::rax));
  as_.add(x86::rax, state_field(offsetof(HartState, ram_delta), 8));
  as_.mov(state_field(offsetof(HartState, reservation), 8), x86::rax);
  as_.mov(state_field(offsetof(HartState, reservation_size), 8), bytes);
  hold(at, x86::rcx);
}

void LowerX86::store_conditional(usize at) {
  const Node& node = ir_.nodes[at];
  const unsigned bytes = static_cast<unsigned>(node.imm);
  const x86::Mem reservation = state_field(offsetof(HartState, reservation), 8);
  atomic_address(at, bytes, Access::kWrite);
  const Label done = as_.newLabel();
  as_.mov(x86::ecx, 1);
  as_.mov(x86::rdx, x86::rax);
  as_.add(x86::rdx, state_field(offsetof(HartState, ram_delta), 8));
  as_.cmp(x86::rdx, reservation);
  as_.jne(done);
  as_.cmp(state_field(offsetof(HartState, reservation_size), 8), bytes);
  as_.jne(done);
  move(x86::rdx, node.operand[1]);
  bytes == 8 ? as_.mov(x86::qword_ptr(x86::rax), x86::rdx) : as_.mov(x86::dword_ptr(x86::rax), x86::edx);
  as_.xor_(x86::ecx, x86::ecx);
  as_.bind(done);
  as_.mov(reservation, Imm(-1));
  static_assert(HartState::kNoReservation == ~u64{0});
  hold(at, x86::rcx);
}

void LowerX86::amo(usize at) {
  const Node& node = ir_.nodes[at];
  const AmoSelector selector = AmoSelector::unpack(node.imm);
  atomic_address(at, selector.bytes, Access::kWrite);
  const bool wide = selector.bytes == 8;
  wide ? as_.mov(x86::rcx, x86::qword_ptr(x86::rax)) : as_.mov(x86::ecx, x86::dword_ptr(x86::rax));
  move(x86::rdx, node.operand[1]);
  switch (selector.op) {
    case AmoOp::kSwap:
      break;
    case AmoOp::kAdd:
      as_.add(x86::rdx, x86::rcx);
      break;
    case AmoOp::kXor:
      as_.xor_(x86::rdx, x86::rcx);
      break;
    case AmoOp::kAnd:
      as_.and_(x86::rdx, x86::rcx);
      break;
    case AmoOp::kOr:
      as_.or_(x86::rdx, x86::rcx);
      break;
    default:
      QUIRE_UNREACHABLE();
  }
  wide ? as_.mov(x86::qword_ptr(x86::rax), x86::rdx) : as_.mov(x86::dword_ptr(x86::rax), x86::edx);
  hold(at, x86::rcx);
}

/// xmm0 is free, and the upper halves of ymm registers stay clean.
void LowerX86::zero_block(usize at) {
  const Label slow = data_address(at, 1, Access::kWrite);
  as_.movzx(x86::ecx, state_field(offsetof(HartState, privilege), 1));
  as_.movzx(x86::edx, state_field(offsetof(HartState, block_zero_modes), 1));
  as_.bt(x86::edx, x86::ecx);
  as_.jnc(slow);
  as_.and_(x86::rax, -static_cast<i32>(kCacheBlockBytes));
  as_.vpxor(x86::xmm0, x86::xmm0, x86::xmm0);
  for (i32 place = 0; place < static_cast<i32>(kCacheBlockBytes); place += 16) {
    as_.vmovdqu(x86::xmmword_ptr(x86::rax, place), x86::xmm0);
  }
}

/// Else the call traps.
void LowerX86::check_supervisor(const Node& node) {
  if (supervisor_) return;
  supervisor_ = true;
  as_.cmp(state_field(offsetof(HartState, privilege), 1), static_cast<u8>(Privilege::kSupervisor));
  as_.jb(slow_path(node.guest, Behind::kElsewhere));
}

void LowerX86::get_csr(usize at) {
  const u16 csr = static_cast<u16>(ir_.nodes[at].imm);
  if (csr == number_of(Csr::sstatus)) return get_status(at);
  const x86::Gp d = destination(at);
  as_.mov(d, csr_field(csr));
  hold(at, d);
}

/// Hart::read_mstatus(), as far as sstatus shows it.
void LowerX86::get_status(usize at) {
  const x86::Gp d = temp();
  const x86::Gp t = temp();
  as_.movzx(d.r32(), fp_status());
  as_.lea(t.r32(), x86::ptr(d, 1));
  as_.shr(t.r32(), 2);  // 1 where FS is 3: dirty
  as_.shl(t, kSdBit);
  as_.shl(d.r32(), kStatusFsShift);
  as_.or_(d, t);
  as_.mov(t, mstatus());
  as_.and_(t.r32(), kStatusInline | static_cast<u32>(kStatusSum | kStatusMxr));
  as_.or_(d, t);
  as_.bts(d, kUxlBit);
  hold(at, d);
}

void LowerX86::set_csr(const Node& node) {
  const x86::Mem field = csr_field(static_cast<u16>(node.imm));
  const asmjit::Operand from = place(node.operand[0]);
  if (from.isMem()) {
    as_.mov(field, reg(node.operand[0]));
  } else {
    as_.emit(x86::Inst::kIdMov, field, from);
  }
}

/// sstatus as far as it is written, in the low half of `to`; `scratch` is lost.
void LowerX86::writable_status(x86::Gp to, x86::Gp scratch) {
  as_.mov(to.r32(), status_half());
  as_.movzx(scratch.r32(), fp_status());
  as_.shl(scratch.r32(), kStatusFsShift);
  as_.or_(to.r32(), scratch.r32());
}

void LowerX86::set_status(const Node& node) {
  const x86::Gp changed = claim(x86::rdx);
  const x86::Gp t = claim(x86::rcx);
  const x86::Gp value = reg(node.operand[0]);
  writable_status(changed, t);
  as_.xor_(changed.r32(), value.r32());
  change_status(node, static_cast<u32>(kStatusSie));
}

void LowerX86::set_status_bits(const Node& node) {
  if (is_interrupt_bit(node.operand[0])) return toggle_interrupts(node);
  const x86::Gp changed = claim(x86::rdx);
  const x86::Gp t = claim(x86::rcx);
  const x86::Gp bits = reg(node.operand[0]);
  writable_status(changed, t);
  as_.andn(changed.r32(), changed.r32(), bits.r32());
  change_status(node, static_cast<u32>(kStatusSie));
}

void LowerX86::clear_status_bits(const Node& node) {
  if (is_interrupt_bit(node.operand[0])) return toggle_interrupts(node);
  const x86::Gp changed = claim(x86::rdx);
  const x86::Gp t = claim(x86::rcx);
  const x86::Gp bits = reg(node.operand[0]);
  writable_status(changed, t);
  as_.and_(changed.r32(), bits.r32());
  change_status(node, 0);
}

/// What changes is in edx, ecx is free. Where an interrupt is enabled that is pending, or MXR changes, by the
/// call; SUM and FS by the stub. `enables`: SIE, where the change may be that it is set; 0: it is not.
void LowerX86::change_status(const Node& node, u32 enables) {
  const Label slow = slow_path(node.guest);
  const Label others = as_.newLabel();
  const Label done = as_.newLabel();
  as_.test(x86::edx, kStatusByStub | static_cast<u32>(kStatusMxr));
  as_.jnz(others);
  if (enables != 0) {
    const Label quiet = as_.newLabel();
    as_.test(x86::edx, enables);
    as_.jz(quiet);
    leave_if_pending(x86::rcx, slow);
    as_.bind(quiet);
  }
  as_.and_(x86::edx, kStatusInline);
  as_.xor_(status_half(), x86::edx);
  as_.bind(done);
  cold_.push_back([=, this] {
    as_.bind(others);
    as_.lea(x86::rsp, x86::ptr(x86::rsp, -kSpillBytes));  // the carry is kept
    as_.call(Imm(target_.stubs.status));
    if (target_.windows != nullptr) check_windows_of_another_bank();
    as_.lea(x86::rsp, x86::ptr(x86::rsp, kSpillBytes));
    as_.jnc(done);
    as_.jmp(slow);
  });
  fs_dirty_ = false;
  fs_on_ = false;
  usable_rm_ = 0;
}

/// Whether SIE is all that is writable of a constant.
bool LowerX86::is_interrupt_bit(Ref ref) const {
  constexpr u64 kWritable = kStatusInline | kStatusByStub | kStatusMxr;
  return ref.is_constant() && (ir_.value_of(ref) & kWritable) == kStatusSie;
}

void LowerX86::toggle_interrupts(const Node& node) {
  constexpr u32 kSie = static_cast<u32>(kStatusSie);
  if (node.op == IrOp::kClearStatusBits) {
    as_.and_(status_half(), ~static_cast<i32>(kSie));
  } else {
    leave_if_pending(temp(), slow_path(node.guest));
    as_.or_(status_half(), kSie);
  }
}

void LowerX86::leave_if_pending(x86::Gp scratch, Label slow) {
  test_pending(as_, scratch);
  as_.jnz(slow);
}

/// The last instruction, by a stub that needs to know where it is.
void LowerX86::leave_by(const void* stub) {
  const CallSite* const site = &add_site(guest_, Behind::kElsewhere);
  const Label out = as_.newLabel();
  as_.jmp(out);
  cold_.push_back([this, out, site, stub] {
    as_.bind(out);
    as_.mov(x86::rcx, Imm(reinterpret_cast<u64>(site)));
    as_.jmp(Imm(stub));
  });
}

}  // namespace quire::jit
