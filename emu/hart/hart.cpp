#include "emu/hart/hart.h"

#include "emu/hart/envcfg.h"
#include "quire/arch/bits.h"

namespace quire {

Hart::Hart(unsigned id, Bus& bus, const TlbConfig& tlb, HartEnv& env, ExtensionSet extensions)
    : id_(id), isa_(extensions), bus_(bus), env_(env), mmu_(bus, fast_, tlb, this) {
  bus_.ram().add_watcher(this);
  reset(bus_.ram().base().value, Privilege::kMachine, 0, 0);
}

Hart::~Hart() { bus_.ram().remove_watcher(this); }

void Hart::reset(u64 pc, Privilege privilege, u64 a0, u64 a1) {
  void* const engine = state_.engine;
  state_ = HartState{};
  state_.engine = engine;
  state_.pc = pc;
  state_.privilege = privilege;
  state_.x[10] = a0;
  state_.x[11] = a1;
  state_.reservation = HartState::kNoReservation;
  state_.stimecmp = ~u64{0};  // the manual leaves it open; "never" spares a spurious interrupt
  if (isa_.has(Extension::Svadu) && !isa_.has(Extension::Svade)) state_.menvcfg = kEnvcfgAdue;
  state_.ram_delta = bus_.ram().base().value - reinterpret_cast<u64>(bus_.ram().host(bus_.ram().base()));
  mmu_.reset();
  drop_fetch_page();
  clear_exit_request();
  sync();
}

void Hart::set_interrupt(Interrupt line, bool asserted) {
  const u64 mask = u64{1} << static_cast<unsigned>(line);
  // SSIP belongs to software: an IPI sets the bit that the supervisor clears through sip.
  u64& word = line == Interrupt::kSupervisorSoftware ? state_.mip_software : state_.mip_lines;
  word = asserted ? word | mask : word & ~mask;
}

void Hart::mark_fp_dirty() {
  state_.fp_status = 3;
  fp::set_fs_dirty(state_.fp, true);
}

PteRules Hart::pte_rules() const {
  const bool hardware =
      isa_.has(Extension::Svadu) ? (state_.menvcfg & kEnvcfgAdue) != 0 : !isa_.has(Extension::Svade);
  return {.napot = isa_.has(Extension::Svnapot),
          .pbmt = (state_.menvcfg & kEnvcfgPbmte) != 0,
          .ad_update = hardware ? AdUpdate::kHardware : AdUpdate::kFault};
}

void Hart::sync() {
  HartState& s = state_;
  pte_rules_ = pte_rules();
  s.block_zero_modes = 0;
  for (const Privilege one : {Privilege::kUser, Privilege::kSupervisor, Privilege::kMachine}) {
    if (cbo_allowed(CboOp::kZero, one, s.menvcfg, s.senvcfg))
      s.block_zero_modes |= static_cast<u8>(1U << static_cast<unsigned>(one));
  }
  s.observed = observer_ != nullptr ? 1 : 0;
  enter_space();
  choose_banks();
  fp::set_fs_dirty(s.fp, s.fp_status == 3);
}

/// What depends on privilege, MPRV and SUM alone. Translated code does the same (emu/jit/system_stubs.cpp).
void Hart::choose_banks() {
  HartState& s = state_;
  s.data_bank = s.banks[FastTlb::bank_index(data_privilege(), (s.mstatus & kStatusSum) != 0)];
  s.fetch_bank = s.banks[fetch_bank_index()];
}

void Hart::enter_space() {
  fast_.enter(state_.satp);
  for (unsigned i = 0; i < FastTlb::kBanks; ++i) state_.banks[i] = &fast_.bank(i);
}

void Hart::ram_written(PhysAddr start, u64 count_bytes, Writer writer) {
  // A store by another device to the bytes of an LR makes the SC fail (14.2).
  if (writer != Writer::kOther || state_.reservation == HartState::kNoReservation) return;
  const u64 end = start.value + count_bytes;
  if (state_.reservation < end && start.value < state_.reservation + state_.reservation_size) {
    state_.reservation = HartState::kNoReservation;
  }
}

void Hart::transfer(StateArchive& archive) {
  HartState& s = state_;
  // Not the sink: what an engine last wrote to x0 is its own affair.
  for (unsigned i = 0; i < 32; ++i) archive(s.x[i]);
  archive(s.f, s.pc, s.icount, s.fp.fflags, s.fp.frm, s.privilege, s.fp_status, s.waiting);
  archive(s.mstatus, s.medeleg, s.mideleg, s.mie, s.mtvec, s.mcounteren, s.mscratch, s.mepc, s.mcause,
          s.mtval);
  archive(s.menvcfg, s.mip_software, s.mip_lines, s.stvec, s.scounteren, s.sscratch, s.sepc, s.scause,
          s.stval);
  archive(s.satp, s.senvcfg, s.stimecmp, s.mcountinhibit, s.mcycle_offset, s.minstret_offset);
  archive(s.trap_count, s.interrupt_count, s.page_fault_count, s.reservation, s.reservation_size);
  // The translation that fetches go by is state: it holds until execution leaves the page.
  archive(s.fetch_page, s.fetch_frame, s.fetch_partial);
  mmu_.transfer(archive);
  if (archive.loading()) {
    s.fetch_blocks = nullptr;
    const bool held = s.fetch_page != FastTlb::kNoPage;
    if (s.privilege > Privilege::kMachine || static_cast<u8>(s.privilege) == 2 ||
        (held && (!is_aligned(s.fetch_frame, kPageBytes) ||
                  !bus_.ram().contains(PhysAddr(s.fetch_frame), kPageBytes)))) {
      throw Error(ErrorKind::kFile, "a saved state is damaged: the hart's");
    }
    sync();
  }
}

void Hart::append_architectural_state(std::vector<u64>& out) const {
  const HartState& s = state_;
  out.insert(out.end(), s.x, s.x + 32);
  out.insert(out.end(), s.f, s.f + 32);
  out.insert(out.end(), {s.pc,
                         s.icount,
                         s.fp.fflags,
                         s.fp.frm,
                         static_cast<u64>(s.privilege),
                         s.fp_status,
                         s.waiting,
                         s.mstatus,
                         s.medeleg,
                         s.mideleg,
                         s.mie,
                         s.mtvec,
                         s.mcounteren,
                         s.mscratch,
                         s.mepc,
                         s.mcause,
                         s.mtval,
                         s.menvcfg,
                         s.mip_software,
                         s.mip_lines,
                         s.stvec,
                         s.scounteren,
                         s.sscratch,
                         s.sepc,
                         s.scause,
                         s.stval,
                         s.satp,
                         s.senvcfg,
                         s.stimecmp,
                         s.mcountinhibit,
                         s.mcycle_offset,
                         s.minstret_offset,
                         s.trap_count,
                         s.interrupt_count,
                         s.page_fault_count,
                         s.reservation,
                         s.reservation_size,
                         s.fetch_page,
                         s.fetch_frame});
  for (unsigned i = 0; i < Pmp::kEntries; ++i) {
    out.insert(out.end(), {mmu_.pmp().config(i), mmu_.pmp().address(i)});
  }
  mmu_.tlb().for_each([&out](const TlbEntry& e) {
    out.insert(out.end(),
               {e.tag, e.frame, e.asid | u64{e.flags} << 16 | u64{e.level} << 24 | u64{e.shift} << 32});
  });
}

}  // namespace quire
