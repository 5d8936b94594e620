// Traps, their delegation, interrupts and the returns (Privileged ISA 20240411, 3.1.6-3.1.9, 3.3.2, 12.1).

#include <array>

#include "emu/hart/hart.h"
#include "emu/hart/observer.h"
#include "quire/arch/bits.h"

namespace quire {
namespace {

/// Simultaneous interrupts of one level are taken in this order (3.1.9).
constexpr std::array kUrgency = {Interrupt::kMachineExternal,    Interrupt::kMachineSoftware,
                                 Interrupt::kMachineTimer,       Interrupt::kSupervisorExternal,
                                 Interrupt::kSupervisorSoftware, Interrupt::kSupervisorTimer};

bool is_page_fault(Exception cause) {
  return cause == Exception::kInsnPageFault || cause == Exception::kLoadPageFault ||
         cause == Exception::kStorePageFault;
}

u64 handler_address(u64 tvec, u64 cause) {
  const u64 base = tvec & ~u64{3};
  const bool vectored = (tvec & 1) != 0 && (cause & kInterruptFlag) != 0;
  return vectored ? base + 4 * (cause & ~kInterruptFlag) : base;
}

}  // namespace

void Hart::enter_handler(u64 cause, u64 tval, bool delegated) {
  HartState& s = state_;
  const u64 previous = static_cast<u64>(s.privilege);
  if (observer_ != nullptr) {
    observer_->on_trap(cause, tval, delegated ? Privilege::kSupervisor : Privilege::kMachine,
                       handler_address(delegated ? s.stvec : s.mtvec, cause));
  }
  if (delegated) {
    const u64 enabled = bit(s.mstatus, 1) ? u64{kStatusSpie} : 0;
    s.mstatus &= ~u64{kStatusSie | kStatusSpie | kStatusSpp};
    s.mstatus |= enabled | (previous == 0 ? 0 : u64{kStatusSpp});
    s.sepc = s.pc;
    s.scause = cause;
    s.stval = tval;
    s.privilege = Privilege::kSupervisor;
    s.pc = handler_address(s.stvec, cause);
  } else {
    const u64 enabled = bit(s.mstatus, 3) ? u64{kStatusMpie} : 0;
    s.mstatus &= ~u64{kStatusMie | kStatusMpie | kStatusMpp};
    s.mstatus |= enabled | previous << kStatusMppShift;
    s.mepc = s.pc;
    s.mcause = cause;
    s.mtval = tval;
    s.privilege = Privilege::kMachine;
    s.pc = handler_address(s.mtvec, cause);
  }
  drop_fetch_page();
  choose_banks();
}

void Hart::take_exception(const Trap& trap) {
  HartState& s = state_;
  ++s.icount;
  ++s.trap_count;
  if (is_page_fault(trap.cause)) ++s.page_fault_count;
  const unsigned code = static_cast<unsigned>(trap.cause);
  enter_handler(code, trap.tval, s.privilege != Privilege::kMachine && bit(s.medeleg, code));
}

std::optional<unsigned> Hart::urgent_interrupt() const {
  const HartState& s = state_;
  const u64 pending = mip() & s.mie;
  if (pending == 0) return {};
  const bool machine_enabled = s.privilege != Privilege::kMachine || (s.mstatus & kStatusMie) != 0;
  const bool supervisor_enabled = s.privilege == Privilege::kUser ||
                                  (s.privilege == Privilege::kSupervisor && (s.mstatus & kStatusSie) != 0);
  u64 candidates = machine_enabled ? pending & ~s.mideleg : 0;
  if (candidates == 0 && supervisor_enabled) candidates = pending & s.mideleg;
  for (const Interrupt i : kUrgency) {
    if (bit(candidates, static_cast<unsigned>(i))) return static_cast<unsigned>(i);
  }
  return {};
}

bool Hart::take_pending_interrupt() {
  const auto code = urgent_interrupt();
  if (!code) return false;
  ++state_.interrupt_count;
  enter_handler(kInterruptFlag | *code, 0, bit(state_.mideleg, *code));
  return true;
}

void Hart::return_from_machine() {
  HartState& s = state_;
  const auto target = static_cast<Privilege>(bits(s.mstatus, 12, 11));
  const u64 enabled = bit(s.mstatus, 7) ? u64{kStatusMie} : 0;
  s.mstatus &= ~u64{kStatusMie | kStatusMpp};
  s.mstatus |= enabled | kStatusMpie;
  if (target != Privilege::kMachine) s.mstatus &= ~u64{kStatusMprv};
  s.privilege = target;
  s.pc = s.mepc;
  drop_fetch_page();
  choose_banks();
}

void Hart::return_from_supervisor() {
  HartState& s = state_;
  const Privilege target = bit(s.mstatus, 8) ? Privilege::kSupervisor : Privilege::kUser;
  const u64 enabled = bit(s.mstatus, 5) ? u64{kStatusSie} : 0;
  s.mstatus &= ~u64{kStatusSie | kStatusSpp | kStatusMprv};
  s.mstatus |= enabled | kStatusSpie;
  s.privilege = target;
  s.pc = s.sepc;
  drop_fetch_page();
  choose_banks();
}

}  // namespace quire
