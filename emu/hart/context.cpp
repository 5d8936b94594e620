#include "emu/hart/context.h"

#include "emu/hart/csr.h"
#include "emu/hart/envcfg.h"

namespace quire {

bool HartContext::csr_access(u16 csr, CsrOp op, u64 operand, bool reads, bool writes, u64& old) {
  if (!hart_.csr_allowed(csr, writes ? CsrAccess::kWrite : CsrAccess::kRead)) return illegal(insn_);
  if (reads) {
    const fp::HostPause pause(state_.fp);  // `time` asks the machine
    old = *hart_.read_csr(csr);
  }
  if (!writes) return true;
  u64 value = operand;
  if (op != CsrOp::kWrite) {
    const u64 base = hart_.csr_modify_base(csr);
    value = op == CsrOp::kSet ? base | operand : base & ~operand;
  }
  hart_.write_csr(csr, value);
  switch (static_cast<Csr>(csr)) {
    case Csr::fflags:
    case Csr::frm:
    case Csr::fcsr:
      hart_.mark_fp_dirty();
      break;
    case Csr::mcycle:
      hart_.counter_written(state_.mcycle_offset, kCounterCy);
      break;
    case Csr::minstret:
      hart_.counter_written(state_.minstret_offset, kCounterIr);
      break;
    default:
      break;
  }
  return true;
}

bool HartContext::cas_pair(u64 addr, Pair<HartContext> expected, Pair<HartContext> desired,
                           Pair<HartContext>& old) {
  if (!is_aligned(addr, 16)) return raise(Exception::kStoreMisaligned, addr);
  PhysAddr place;
  if (!keep(hart_.mmu().atomic(hart_.data_mode(), VirtAddr(addr), 16, Access::kWrite, place))) return false;
  Bus& bus = hart_.mmu().bus();
  bus.load(place, 8, old.low);
  bus.load(place + 8, 8, old.high);
  accessed(Access::kRead, addr, 8, old.low);
  accessed(Access::kRead, addr + 8, 8, old.high);
  if (old.low == expected.low && old.high == expected.high) {
    bus.store(place, 8, desired.low);
    bus.store(place + 8, 8, desired.high);
    accessed(Access::kWrite, addr, 8, desired.low);
    accessed(Access::kWrite, addr + 8, 8, desired.high);
  }
  return true;
}

/// There is no cache: the management operations come to their checks.
bool HartContext::cbo(CboOp op, u64 addr, const Insn& i) {
  if (!cbo_allowed(op, state_.privilege, state_.menvcfg, state_.senvcfg)) return illegal(i);
  Mmu& mmu = hart_.mmu();
  if (op != CboOp::kZero) {
    return keep(mmu.manage_block(hart_.data_mode(), VirtAddr(addr), kCacheBlockBytes));
  }
  if (!keep(mmu.zero_block(hart_.data_mode(), VirtAddr(addr), kCacheBlockBytes))) return false;
  const u64 block = align_down(addr, kCacheBlockBytes);
  for (u64 offset = 0; offset < kCacheBlockBytes; offset += 8) accessed(Access::kWrite, block + offset, 8, 0);
  return true;
}

bool HartContext::ecall() {
  switch (state_.privilege) {
    case Privilege::kUser:
      return raise(Exception::kEcallUser, 0);
    case Privilege::kMachine:
      return raise(Exception::kEcallMachine, 0);
    case Privilege::kSupervisor:
      break;
  }
  const fp::HostPause pause(state_.fp);
  if (!hart_.env().sbi_call(state_)) return raise(Exception::kEcallSupervisor, 0);
  next_ = state_.pc + insn_.length;  // the firmware may have moved pc
  hart_.drop_fetch_page();           // and may have fenced
  hart_.sync();
  return true;
}

bool HartContext::mret() {
  if (state_.privilege != Privilege::kMachine) return illegal(insn_);
  hart_.return_from_machine();
  next_ = state_.pc;
  return true;
}

bool HartContext::sret() {
  const bool trapped = state_.privilege == Privilege::kSupervisor && (state_.mstatus & kStatusTsr) != 0;
  if (state_.privilege == Privilege::kUser || trapped) return illegal(insn_);
  hart_.return_from_supervisor();
  next_ = state_.pc;
  return true;
}

/// The time limit of TW is 0, and of U-mode too (3.1.6.5, 3.3.3).
bool HartContext::wfi() {
  const bool trapped = state_.privilege == Privilege::kSupervisor && (state_.mstatus & kStatusTw) != 0;
  if (state_.privilege == Privilege::kUser || trapped) return illegal(insn_);
  state_.waiting = 1;
  return true;
}

bool HartContext::sfence_vma(u64 va, u64 asid, bool all_va, bool all_asid) {
  const bool trapped = state_.privilege == Privilege::kSupervisor && (state_.mstatus & kStatusTvm) != 0;
  if (state_.privilege == Privilege::kUser || trapped) return illegal(insn_);
  Mmu& mmu = hart_.mmu();
  const u16 space = static_cast<u16>(asid);
  if (all_va && all_asid) {
    mmu.fence_all();
  } else if (all_va) {
    mmu.fence_asid(space);
  } else if (all_asid) {
    mmu.fence_page(VirtAddr(va));
  } else {
    mmu.fence_page_asid(VirtAddr(va), space);
  }
  hart_.drop_fetch_page();
  return true;
}

/// Of Svinval: fences by sinval.vma are complete at once, so these only check privilege; TVM does not trap
/// them (chapter 16).
bool HartContext::sfence_inval() { return state_.privilege != Privilege::kUser || illegal(insn_); }

bool HartContext::start_fp() {
  if (state_.fp_status == 0) return false;
  if (state_.fp_status != 3) hart_.mark_fp_dirty();
  return true;
}

}  // namespace quire
