// Values, WARL rules and access rules of the CSRs (Privileged ISA 20240411, chapters 2, 3.1, 3.7, 12.1 and
// 15). docs/csr.md has them as a table, which a test holds against this file.

#include "emu/hart/csr.h"

#include "emu/hart/envcfg.h"
#include "emu/hart/hart.h"
#include "quire/arch/bits.h"

namespace quire {
namespace {

constexpr u64 bit_of(Interrupt i) { return u64{1} << static_cast<unsigned>(i); }
constexpr u64 bit_of(Exception e) { return u64{1} << static_cast<unsigned>(e); }

constexpr u64 kSupervisorInterrupts = bit_of(Interrupt::kSupervisorSoftware) |
                                      bit_of(Interrupt::kSupervisorTimer) |
                                      bit_of(Interrupt::kSupervisorExternal);
constexpr u64 kMachineInterrupts = bit_of(Interrupt::kMachineSoftware) | bit_of(Interrupt::kMachineTimer) |
                                   bit_of(Interrupt::kMachineExternal);

/// Every exception that can arise below M-mode.
constexpr u64 kDelegable = bit_of(Exception::kInsnMisaligned) | bit_of(Exception::kInsnAccessFault) |
                           bit_of(Exception::kIllegalInsn) | bit_of(Exception::kBreakpoint) |
                           bit_of(Exception::kLoadMisaligned) | bit_of(Exception::kLoadAccessFault) |
                           bit_of(Exception::kStoreMisaligned) | bit_of(Exception::kStoreAccessFault) |
                           bit_of(Exception::kEcallUser) | bit_of(Exception::kEcallSupervisor) |
                           bit_of(Exception::kInsnPageFault) | bit_of(Exception::kLoadPageFault) |
                           bit_of(Exception::kStorePageFault);

constexpr u64 kMstatusWritable = kStatusSie | kStatusMie | kStatusSpie | kStatusMpie | kStatusSpp |
                                 kStatusMpp | kStatusFs | kStatusMprv | kStatusSum | kStatusMxr | kStatusTvm |
                                 kStatusTw | kStatusTsr;
constexpr u64 kSstatusWritable = kStatusSie | kStatusSpie | kStatusSpp | kStatusFs | kStatusSum | kStatusMxr;
constexpr u64 kSstatusReadable = kSstatusWritable | kStatusUxl | kStatusSd;
constexpr u64 kXlen64 = (u64{2} << 32) | (u64{2} << 34);  // UXL and SXL, fixed

constexpr u64 misa_letter(char c) { return u64{1} << (c - 'a'); }

constexpr u64 kCountersEnabled = kCounterCy | kCounterTm | kCounterIr;  // the others do not count
constexpr u64 kCountersInhibited = kCounterCy | kCounterIr;             // time is not the hart's
constexpr unsigned kPmpConfigsPerCsr = 8;

/// What menvcfg and senvcfg have in common; a field is there with the extension that it governs. Of CBIE, a
/// reserved value leaves what was there (WARL).
u64 legal_envcfg(const Isa& isa, u64 old, u64 value) {
  u64 writable = kEnvcfgFiom;
  if (isa.has(Extension::Zicbom)) writable |= kEnvcfgCbcfe;
  if (isa.has(Extension::Zicbom) && bits(value, 5, 4) != 2) writable |= kEnvcfgCbie;
  if (isa.has(Extension::Zicboz)) writable |= kEnvcfgCbze;
  return (old & ~writable) | (value & writable);
}

/// tvec: direct or vectored (3.1.7); a reserved mode becomes the one below.
constexpr u64 legal_tvec(u64 value) { return value & ~u64{2}; }

bool is_float_csr(unsigned number) {
  return number == number_of(Csr::fflags) || number == number_of(Csr::frm) || number == number_of(Csr::fcsr);
}
bool is_pmp(unsigned number) {
  return number >= number_of(Csr::pmpcfg0) && number <= number_of(Csr::pmpaddr15);
}
bool is_user_counter(unsigned number) {
  return number >= number_of(Csr::cycle) && number <= number_of(Csr::hpmcounter31);
}

}  // namespace

/// MXL 64 bits, S and U mode, and the extensions that have a letter (3.1.1).
u64 Hart::read_misa() const {
  u64 value = (u64{2} << 62) | misa_letter('s') | misa_letter('u');
  for (unsigned e = 0; e < kExtensionCount; ++e) {
    const char* name = kExtensionInfo[e].name;
    if (name[1] == 0 && isa_.has(static_cast<Extension>(e))) value |= misa_letter(name[0]);
  }
  return value;
}

/// What xepc can hold: addresses of instructions (3.1.14).
u64 Hart::legal_epc(u64 value) const { return value & ~(isa_.alignment_bytes() - 1); }

u64 Hart::read_mstatus() const {
  const u64 fs = state_.fp_status;
  return state_.mstatus | kXlen64 | fs << kStatusFsShift | (fs == 3 ? u64{kStatusSd} : 0);
}

void Hart::write_mstatus(u64 value, u64 writable) {
  // MPP is WARL: there is no mode 2.
  if (bits(value, 12, 11) == 2) writable &= ~u64{kStatusMpp};
  // Without floating point there is nothing whose state FS could tell (3.1.6.7).
  if (!isa_.has(Extension::F)) writable &= ~u64{kStatusFs};
  const u64 mxr_before = state_.mstatus & kStatusMxr;
  if ((writable & kStatusFs) != 0) state_.fp_status = static_cast<u8>(bits(value, 14, 13));
  writable &= ~u64{kStatusFs};
  state_.mstatus = (state_.mstatus & ~writable) | (value & writable);
  if ((state_.mstatus & kStatusMxr) != mxr_before) mmu_.mode_changed();
  choose_banks();
  fp::set_fs_dirty(state_.fp, state_.fp_status == 3);
}

void Hart::write_satp(u64 value) {
  const SatpMode mode = Satp{value}.mode();
  // With a mode that is not implemented, no field is written (12.1.11).
  if (mode != SatpMode::kBare && (mode < SatpMode::kSv39 || mode > SatpMode::kSv57)) return;
  if (value == state_.satp) return;
  if (log_keeper_ != nullptr) log_keeper_->flush_logs();
  state_.satp = value;
  drop_fetch_page();
  enter_space();
  choose_banks();
}

/// Where an extension is absent, so are its bits and CSRs.
void Hart::write_menvcfg(u64 value) {
  u64 own = 0;  // fields that senvcfg lacks
  if (isa_.has(Extension::Sstc)) own |= kEnvcfgStce;
  if (isa_.has(Extension::Svpbmt)) own |= kEnvcfgPbmte;
  if (isa_.has(Extension::Svadu)) own |= kEnvcfgAdue;
  const u64 changed = (state_.menvcfg ^ value) & own;
  state_.menvcfg = legal_envcfg(isa_, state_.menvcfg, value) ^ changed;
  if ((changed & (kEnvcfgPbmte | kEnvcfgAdue)) != 0) mmu_.mode_changed();
  if ((changed & kEnvcfgStce) != 0) {
    // STIP is stimecmp's from now on, or software's again (chapter 15).
    state_.mip_software &= ~bit_of(Interrupt::kSupervisorTimer);
    update_supervisor_compare();
  }
  sync();
}

bool Hart::sstc_enabled() const { return (state_.menvcfg & kEnvcfgStce) != 0; }

void Hart::update_supervisor_compare() {
  const fp::HostPause pause(state_.fp);
  env_.set_supervisor_compare(sstc_enabled() ? std::optional(state_.stimecmp) : std::nullopt);
}

void Hart::write_mip(u64 value) {
  const u64 writable = kSupervisorInterrupts & ~(sstc_enabled() ? bit_of(Interrupt::kSupervisorTimer) : 0);
  state_.mip_software = value & writable;
}

u64 Hart::mcycle() const {
  return (state_.mcountinhibit & kCounterCy) != 0 ? state_.mcycle_offset
                                                  : state_.icount + state_.mcycle_offset;
}

u64 Hart::minstret() const {
  const bool inhibited = (state_.mcountinhibit & kCounterIr) != 0;
  return inhibited ? state_.minstret_offset : state_.icount - state_.trap_count + state_.minstret_offset;
}

void Hart::write_mcycle(u64 value) {
  state_.mcycle_offset = (state_.mcountinhibit & kCounterCy) != 0 ? value : value - state_.icount;
}

void Hart::write_minstret(u64 value) {
  const bool inhibited = (state_.mcountinhibit & kCounterIr) != 0;
  state_.minstret_offset = inhibited ? value : value - (state_.icount - state_.trap_count);
}

/// The instruction that writes counts, or does not, as the new value says.
void Hart::write_mcountinhibit(u64 value) {
  const u64 cycle = mcycle();
  const u64 instret = minstret();
  state_.mcountinhibit = value & kCountersInhibited;
  write_mcycle(cycle);
  write_minstret(instret);
}

u64 Hart::read_pmp(unsigned number) const {
  const Pmp& pmp = mmu_.pmp();
  if (number >= number_of(Csr::pmpaddr0)) return pmp.address(number - number_of(Csr::pmpaddr0));
  const unsigned first = (number - number_of(Csr::pmpcfg0)) / 2 * kPmpConfigsPerCsr;
  u64 value = 0;
  for (unsigned i = 0; i < kPmpConfigsPerCsr; ++i) value |= u64{pmp.config(first + i)} << (8 * i);
  return value;
}

void Hart::write_pmp(unsigned number, u64 value) {
  Pmp& pmp = mmu_.pmp();
  if (number >= number_of(Csr::pmpaddr0)) {
    pmp.set_address(number - number_of(Csr::pmpaddr0), value);
  } else {
    const unsigned first = (number - number_of(Csr::pmpcfg0)) / 2 * kPmpConfigsPerCsr;
    for (unsigned i = 0; i < kPmpConfigsPerCsr; ++i)
      pmp.set_config(first + i, static_cast<u8>(value >> (8 * i)));
  }
  mmu_.mode_changed();
  drop_fetch_page();
}

bool Hart::csr_present(unsigned number) const {
  return csr_exists(number) && (number != number_of(Csr::stimecmp) || isa_.has(Extension::Sstc));
}

std::optional<u64> Hart::read_csr(unsigned number) const {
  const HartState& s = state_;
  if (!csr_present(number)) return {};
  if (is_pmp(number)) return read_pmp(number);
  switch (static_cast<Csr>(number)) {
    case Csr::fflags:
      return fp::collect_flags(const_cast<fp::Env&>(s.fp));
    case Csr::frm:
      return s.fp.frm;
    case Csr::fcsr:
      return fp::collect_flags(const_cast<fp::Env&>(s.fp)) | u64{s.fp.frm} << 5;
    case Csr::cycle:
    case Csr::mcycle:
      return mcycle();
    case Csr::instret:
    case Csr::minstret:
      return minstret();
    case Csr::time:
      return env_.time();
    case Csr::sstatus:
      return read_mstatus() & kSstatusReadable;
    case Csr::sie:
      return s.mie & s.mideleg;
    case Csr::sip:
      return mip() & s.mideleg;
    case Csr::stvec:
      return s.stvec;
    case Csr::scounteren:
      return s.scounteren;
    case Csr::senvcfg:
      return s.senvcfg;
    case Csr::sscratch:
      return s.sscratch;
    case Csr::sepc:
      return s.sepc;
    case Csr::scause:
      return s.scause;
    case Csr::stval:
      return s.stval;
    case Csr::satp:
      return s.satp;
    case Csr::stimecmp:
      return s.stimecmp;
    case Csr::mcountinhibit:
      return s.mcountinhibit;
    case Csr::mhartid:
      return id_;
    case Csr::mstatus:
      return read_mstatus();
    case Csr::misa:
      return read_misa();
    case Csr::medeleg:
      return s.medeleg;
    case Csr::mideleg:
      return s.mideleg;
    case Csr::mie:
      return s.mie;
    case Csr::mip:
      return mip();
    case Csr::mtvec:
      return s.mtvec;
    case Csr::mcounteren:
      return s.mcounteren;
    case Csr::menvcfg:
      return s.menvcfg;
    case Csr::mscratch:
      return s.mscratch;
    case Csr::mepc:
      return s.mepc;
    case Csr::mcause:
      return s.mcause;
    case Csr::mtval:
      return s.mtval;
    default:
      return 0;  // exists without hardware behind it
  }
}

bool Hart::write_csr(unsigned number, u64 value) {
  HartState& s = state_;
  if (!csr_present(number) || csr_read_only(number)) return false;
  if (is_pmp(number)) {
    write_pmp(number, value);
    return true;
  }
  switch (static_cast<Csr>(number)) {
    case Csr::fflags:
      fp::set_flags(s.fp, static_cast<u8>(value & 0x1f));
      break;
    case Csr::frm:
      fp::set_frm(s.fp, static_cast<u8>(value & 7));
      break;
    case Csr::fcsr:
      fp::set_flags(s.fp, static_cast<u8>(value & 0x1f));
      fp::set_frm(s.fp, static_cast<u8>(value >> 5 & 7));
      break;
    case Csr::mcycle:
      write_mcycle(value);
      break;
    case Csr::minstret:
      write_minstret(value);
      break;
    case Csr::sstatus:
      write_mstatus(value, kSstatusWritable);
      break;
    case Csr::mstatus:
      write_mstatus(value, kMstatusWritable);
      break;
    case Csr::sie:
      s.mie = (s.mie & ~s.mideleg) | (value & s.mideleg);
      break;
    case Csr::mie:
      s.mie = value & (kMachineInterrupts | kSupervisorInterrupts);
      break;
    case Csr::sip: {
      // Only SSIP is writable through sip, and only where it is delegated (12.1.3).
      const u64 writable = s.mideleg & bit_of(Interrupt::kSupervisorSoftware);
      s.mip_software = (s.mip_software & ~writable) | (value & writable);
      break;
    }
    case Csr::mip:
      write_mip(value);
      break;
    case Csr::medeleg:
      s.medeleg = value & kDelegable;
      break;
    case Csr::mideleg:
      s.mideleg = value & kSupervisorInterrupts;
      break;
    case Csr::stvec:
      s.stvec = legal_tvec(value);
      break;
    case Csr::mtvec:
      s.mtvec = legal_tvec(value);
      break;
    case Csr::sepc:
      s.sepc = legal_epc(value);
      break;
    case Csr::mepc:
      s.mepc = legal_epc(value);
      break;
    case Csr::scounteren:
      s.scounteren = value & kCountersEnabled;
      break;
    case Csr::mcounteren:
      s.mcounteren = value & kCountersEnabled;
      break;
    case Csr::senvcfg:
      s.senvcfg = legal_envcfg(isa_, s.senvcfg, value);
      sync();
      break;
    case Csr::menvcfg:
      write_menvcfg(value);
      break;
    case Csr::sscratch:
      s.sscratch = value;
      break;
    case Csr::scause:
      s.scause = value;
      break;
    case Csr::stval:
      s.stval = value;
      break;
    case Csr::mscratch:
      s.mscratch = value;
      break;
    case Csr::mcause:
      s.mcause = value;
      break;
    case Csr::mtval:
      s.mtval = value;
      break;
    case Csr::satp:
      write_satp(value);
      break;
    case Csr::stimecmp:
      s.stimecmp = value;
      if (sstc_enabled()) update_supervisor_compare();
      break;
    case Csr::mcountinhibit:
      write_mcountinhibit(value);
      break;
    default:
      break;  // read-only zero, or misa, whose only legal value is the one it has
  }
  return true;
}

bool Hart::csr_allowed(unsigned number, CsrAccess access) const {
  if (!csr_present(number)) return false;
  if (access == CsrAccess::kWrite && csr_read_only(number)) return false;
  if (static_cast<u8>(state_.privilege) < csr_privilege(number)) return false;
  if (is_float_csr(number)) return state_.fp_status != 0;
  if (number == number_of(Csr::satp)) {
    return state_.privilege != Privilege::kSupervisor || (state_.mstatus & kStatusTvm) == 0;
  }
  if (is_user_counter(number)) return counter_allowed(u64{1} << (number - number_of(Csr::cycle)));
  if (number == number_of(Csr::stimecmp) && state_.privilege != Privilege::kMachine) {
    return sstc_enabled() && (state_.mcounteren & kCounterTm) != 0;  // chapter 15
  }
  return true;
}

/// mcounteren gates what is below M, scounteren U as well (3.1.11, 12.1.5).
bool Hart::counter_allowed(u64 enable_bit) const {
  if (state_.privilege != Privilege::kMachine && (state_.mcounteren & enable_bit) == 0) return false;
  return state_.privilege != Privilege::kUser || (state_.scounteren & enable_bit) != 0;
}

u64 Hart::csr_modify_base(unsigned number) const {
  // csrrs and csrrc see the PLIC's line in SEIP, but must not turn it into the software-writable bit (3.1.9).
  if (number == number_of(Csr::mip)) return state_.mip_software;
  if (number == number_of(Csr::sip)) return state_.mip_software & state_.mideleg;
  return *read_csr(number);
}

}  // namespace quire
