// HartContext: the SemContext that does everything: memory through the MMU, traps, CSRs.
//
// Invariant: when a body returns false, trap() says why and the hart's state is as before it.
#pragma once

#include <cstring>

#include "emu/hart/access_log.h"
#include "emu/hart/arithmetic.h"
#include "emu/hart/fp/fp.h"
#include "emu/hart/hart.h"
#include "emu/hart/observer.h"
#include "emu/isa/insn.h"

namespace quire {

class HartContext : public PlainArithmetic {
 public:
  HartContext(Hart& hart, const Insn& insn)
      : hart_(hart), state_(hart.state()), insn_(insn), next_(state_.pc + insn.length) {}

  const Trap& trap() const { return trap_; }
  u64 next() const { return next_; }

  // --- registers ---
  u64 pc() const { return state_.pc; }
  u64 next_pc() const { return state_.pc + insn_.length; }
  u64 x(u8 r) const { return state_.x[r]; }
  void set_x(u8 r, u64 value) { state_.x[r] = value; }
  u64 f(u8 r) const { return state_.f[r]; }
  void set_f(u8 r, u64 value) {
    state_.f[r] = value;
    if (state_.fp_status != 3) hart_.mark_fp_dirty();
  }

  // --- memory ---
  template <unsigned Bytes>
  bool load(u64 addr, u64& out) {
    if (!keep(hart_.mmu().load(hart_.data_mode(), VirtAddr(addr), Bytes, out))) return false;
    accessed(Access::kRead, addr, Bytes, out);
    return true;
  }
  template <unsigned Bytes>
  bool store(u64 addr, u64 value) {
    if (!keep(hart_.mmu().store(hart_.data_mode(), VirtAddr(addr), Bytes, value))) return false;
    accessed(Access::kWrite, addr, Bytes, value);
    return true;
  }
  template <unsigned Bytes>
  bool lr(u64 addr, u64& out) {
    if (!is_aligned(addr, Bytes)) return raise(Exception::kLoadMisaligned, addr);
    PhysAddr place;
    if (!keep(hart_.mmu().atomic(hart_.data_mode(), VirtAddr(addr), Bytes, Access::kRead, place)))
      return false;
    hart_.mmu().bus().load(place, Bytes, out);
    state_.reservation = place.value;
    state_.reservation_size = Bytes;
    accessed(Access::kRead, addr, Bytes, out);
    return true;
  }
  template <unsigned Bytes>
  bool sc(u64 addr, u64 value, u64& failed) {
    if (!is_aligned(addr, Bytes)) return raise(Exception::kStoreMisaligned, addr);
    PhysAddr place;
    // Faults are raised whether or not the reservation holds, as a store would.
    if (!keep(hart_.mmu().atomic(hart_.data_mode(), VirtAddr(addr), Bytes, Access::kWrite, place)))
      return false;
    const bool held = state_.reservation == place.value && state_.reservation_size == Bytes;
    if (held) {
      hart_.mmu().bus().store(place, Bytes, value);
      accessed(Access::kWrite, addr, Bytes, value);
    }
    state_.reservation = HartState::kNoReservation;
    failed = held ? 0 : 1;
    return true;
  }
  template <unsigned Bytes>
  bool amo(AmoOp op, u64 addr, u64 operand, u64& old) {
    if (!is_aligned(addr, Bytes)) return raise(Exception::kStoreMisaligned, addr);
    PhysAddr place;
    if (!keep(hart_.mmu().atomic(hart_.data_mode(), VirtAddr(addr), Bytes, Access::kWrite, place)))
      return false;
    hart_.mmu().bus().load(place, Bytes, old);
    const u64 result = amo_result(op, old, operand, Bytes * 8);
    hart_.mmu().bus().store(place, Bytes, result);
    accessed(Access::kRead, addr, Bytes, old);
    accessed(Access::kWrite, addr, Bytes, result);
    return true;
  }

  template <unsigned Bytes>
  bool cas(u64 addr, u64 expected, u64 desired, u64& old) {
    if (!is_aligned(addr, Bytes)) return raise(Exception::kStoreMisaligned, addr);
    PhysAddr place;
    // As for a store, whether or not the comparison succeeds (16).
    if (!keep(hart_.mmu().atomic(hart_.data_mode(), VirtAddr(addr), Bytes, Access::kWrite, place)))
      return false;
    hart_.mmu().bus().load(place, Bytes, old);
    accessed(Access::kRead, addr, Bytes, old);
    if (old == zext(expected, Bytes * 8)) {
      hart_.mmu().bus().store(place, Bytes, desired);
      accessed(Access::kWrite, addr, Bytes, desired);
    }
    return true;
  }
  bool cas_pair(u64 addr, Pair<HartContext> expected, Pair<HartContext> desired, Pair<HartContext>& old);
  bool cbo(CboOp op, u64 addr, const Insn& i);

  // --- control ---
  void branch(u64 condition, const Insn& i) {
    if (condition != 0) next_ = state_.pc + static_cast<u64>(i64{i.imm});
  }
  void jump(i64 offset) { next_ = state_.pc + static_cast<u64>(offset); }
  void jump_indirect(u64 target) { next_ = target; }

  // --- system (context.cpp) ---
  bool csr_access(u16 csr, CsrOp op, u64 operand, bool reads, bool writes, u64& old);
  bool ecall();
  bool ebreak() { return raise(Exception::kBreakpoint, state_.pc); }
  bool mret();
  bool sret();
  bool wfi();
  bool sfence_vma(u64 va, u64 asid, bool all_va, bool all_asid);
  bool sfence_inval();
  void fence() {}
  void fence_i() {}  // decoded code is dropped as soon as its page is written
  bool illegal(const Insn& i) { return raise(Exception::kIllegalInsn, i.raw); }

  // --- floating point ---
  bool require_fp(const Insn& i) { return state_.fp_status != 0 || illegal(i); }
  template <FpOp Operation, FpFmt Format>
  bool fp(const Insn& i, u64 a, u64 b, u64 c, u64& out) {
    if (fp::execute<Operation, Format>(state_.fp, i.rm, a, b, c, out, [this] { return start_fp(); }))
      return true;
    return illegal(i);
  }

 private:
  void accessed(Access access, u64 addr, unsigned size, u64 value) {
    if (AccessLog* log = hart_.access_log()) [[unlikely]] {
      log->add(state_.icount, state_.pc, access, addr, size, value);
    }
    if (HartObserver* observer = hart_.observer()) [[unlikely]] {
      observer->on_access(access, addr, size, size == 8 ? value : zext(value, size * 8));
    }
  }
  bool keep(const MaybeTrap& trap) {
    if (!trap) return true;
    trap_ = *trap;
    return false;
  }
  bool raise(Exception cause, u64 tval) {
    trap_ = {cause, tval};
    return false;
  }
  bool start_fp();

  Hart& hart_;
  HartState& state_;
  const Insn& insn_;
  u64 next_;
  Trap trap_{};
};

}  // namespace quire
