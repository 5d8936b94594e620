// Atomics, as FastContext (emu/interp/fast_context.h) has them, and the CSRs that a kernel's way in and out
// consists of. Harts take turns on one thread, so that plain loads and stores are atomic.
#include "emu/base/assert.h"
#include "emu/hart/csr.h"
#include "emu/jit/lower_x86.h"

namespace quire::jit {

using asmjit::Imm;
using asmjit::Label;

namespace {

/// What writes of sstatus may change without more ado, and what not.
constexpr u32 kInterruptBits = kStatusSie | kStatusSpie | kStatusSpp;
constexpr u32 kOtherBits = kStatusFs | kStatusSum | kStatusMxr;
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

x86::Mem mstatus() { return state_field(offsetof(HartState, mstatus), 8); }
x86::Mem fp_status() { return state_field(offsetof(HartState, fp_status), 1); }

}  // namespace

/// The host's address in rax; rcx and rdx are free then. Misaligned ones are left to the call.
void LowerX86::atomic_address(usize at, unsigned bytes, Access access) {
  const Node& node = ir_.nodes[at];
  const auto [base, first] = address_of(node.operand[0]);
  for (const x86::Gp& host : kTemps) claim(host);
  move(x86::rax, base);
  const Label slow = slow_path(node.guest);
  look_up(x86::rax, first, first + static_cast<i32>(bytes) - 1, access, x86::rdx, slow);
  as_.lea(x86::rax, x86::ptr(x86::rax, x86::rcx, 0, first));
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
  as_.and_(t.r32(), kInterruptBits | static_cast<u32>(kStatusSum | kStatusMxr));
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

/// Where an interrupt would be enabled that is pending, or what follows depends on another bit, by the call;
/// FS may be another one then.
void LowerX86::set_status(const Node& node) {
  const x86::Gp value = reg(node.operand[0]);
  const x86::Gp changed = temp();
  const x86::Gp t = temp();
  const Label slow = slow_path(node.guest);
  const Label quiet = as_.newLabel();
  as_.mov(changed, mstatus());
  as_.movzx(t.r32(), fp_status());
  as_.shl(t.r32(), kStatusFsShift);
  as_.or_(changed, t);
  as_.xor_(changed, value);
  as_.test(changed.r32(), kOtherBits);
  as_.jnz(slow);
  as_.test(value.r32(), static_cast<u32>(kStatusSie));
  as_.jz(quiet);
  as_.mov(t, state_field(offsetof(HartState, mip_software), 8));
  as_.or_(t, state_field(offsetof(HartState, mip_lines), 8));
  as_.test(state_field(offsetof(HartState, mie), 8), t);
  as_.jnz(slow);
  as_.bind(quiet);
  as_.and_(changed.r32(), kInterruptBits);
  as_.xor_(mstatus(), changed);
  fs_dirty_ = false;
  usable_rm_ = 0;
}

}  // namespace quire::jit
