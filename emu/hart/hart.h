// Hart: one RISC-V hart with M, S and U mode: its state, CSRs, traps and way to memory.
//
// It executes nothing by itself: engines run blocks and call execute() (emu/hart/execute.h) for whatever is
// not on their fast path. Invariant: the derived parts of HartState and the modes below agree with privilege,
// mstatus and satp after every member function; who changes these in state() directly calls sync().
#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include "emu/base/types.h"
#include "emu/hart/state.h"
#include "emu/isa/isa.h"
#include "emu/mem/mmu.h"

namespace quire {

/// What a hart needs of the machine around it.
class HartEnv {
 public:
  virtual ~HartEnv() = default;
  /// mtime, in ticks of kTimebaseHz.
  virtual u64 time() = 0;
  /// An ecall from S-mode. True: it was a call of the built-in SBI and has been answered in the state's
  /// registers (pc still is that of the ecall and is advanced by the caller); false: it traps as usual.
  virtual bool sbi_call(HartState& state) = 0;
  /// The supervisor's timer interrupt is to be pending from this mtime on; empty: never by stimecmp (Sstc).
  virtual void set_supervisor_compare(std::optional<u64> /*ticks*/) {}
};

class AccessLog;
class EngineObserver;
class HartObserver;
class InsnLog;

/// Has what was logged told.
class LogKeeper {
 public:
  virtual ~LogKeeper() = default;
  virtual void flush_logs() = 0;
};

enum class CsrAccess : u8 { kRead, kWrite };

class Hart final : private RamWatcher, private DeviceCallObserver {
 public:
  Hart(unsigned id, Bus& bus, const TlbConfig& tlb, HartEnv& env,
       ExtensionSet extensions = kDefaultExtensions);
  ~Hart() override;
  Hart(const Hart&) = delete;
  Hart& operator=(const Hart&) = delete;

  unsigned id() const { return id_; }
  const Isa& isa() const { return isa_; }
  HartState& state() { return state_; }
  const HartState& state() const { return state_; }
  Mmu& mmu() { return mmu_; }
  const Mmu& mmu() const { return mmu_; }
  HartEnv& env() { return env_; }

  /// Everything to its state after power-on, then these.
  void reset(u64 pc, Privilege privilege, u64 a0, u64 a1);

  /// A line of an interrupt controller.
  void set_interrupt(Interrupt line, bool asserted);

  /// Ends the engine's run after the current instruction; from another thread, within about a million
  /// instructions.
  void request_exit() noexcept { exit_requested_.store(true, std::memory_order_relaxed); }
  bool exit_requested() const noexcept { return exit_requested_.load(std::memory_order_relaxed); }
  void clear_exit_request() noexcept { exit_requested_.store(false, std::memory_order_relaxed); }

  /// In WFI with no enabled interrupt pending.
  bool waiting() const { return state_.waiting != 0 && !wakeup_pending(); }
  u64 mcycle() const;
  u64 minstret() const;
  /// For the instruction that wrote a counter: the value takes the place of its own increment (3.1.10).
  void counter_written(u64& offset, u64 inhibit_bit) {
    if ((state_.mcountinhibit & inhibit_bit) == 0) --offset;
  }

  /// CSRs as M-mode sees them, without side effects; empty or false where there is none.
  std::optional<u64> read_csr(unsigned number) const;
  bool write_csr(unsigned number, u64 value);
  /// As an instruction of the current privilege; false: illegal instruction (2.1, 3.1.6.5, 3.1.11).
  bool csr_allowed(unsigned number, CsrAccess access) const;
  /// What csrrs and csrrc modify; almost always what they read. Precondition: it exists.
  u64 csr_modify_base(unsigned number) const;

  // --- for engines ---
  /// Of loads and stores now.
  MemoryMode data_mode() const { return mode_of(data_privilege()); }
  MemoryMode fetch_mode() const { return mode_of(state_.privilege); }
  /// Enters the handler; pc must be that of the instruction. The instruction counts (icount).
  void take_exception(const Trap& trap);
  /// Enters the handler of the most urgent interrupt that is pending and enabled, if any.
  bool take_pending_interrupt();
  bool interrupt_pending() const { return wakeup_pending() && urgent_interrupt().has_value(); }
  /// xRET; precondition: it is legal.
  void return_from_machine();
  void return_from_supervisor();
  /// Marks mstatus.FS dirty.
  void mark_fp_dirty();
  /// Recomputes all that is derived.
  void sync();
  /// Fetches from the held page are answered by the FastTlb, with what the engine keeps for it.
  void fill_fetch(u64 payload) {
    fast_.fill(fetch_bank_index(), Access::kExecute, state_.fetch_page, payload,
               mmu_.reach(fetch_mode(), VirtAddr(state_.fetch_page)));
  }
  /// The next instruction looks its page up again.
  void drop_fetch_page() {
    state_.fetch_page = FastTlb::kNoPage;
    state_.fetch_partial = 0;
    state_.fetch_blocks = nullptr;
  }

  /// Null: none. With kEveryInsn engines keep to execute(), instruction by instruction.
  enum class Observe : u8 { kSlowPath, kEveryInsn };
  void set_observer(HartObserver* observer, Observe what) {
    observer_ = observer;
    state_.observed = observer != nullptr ? 1 : 0;
    observes_every_insn_ = observer != nullptr && what == Observe::kEveryInsn;
  }
  HartObserver* observer() const { return observer_; }
  /// Whether an engine must go one by one; for a log alone, one that can log its blocks need not.
  bool observes_every_insn() const {
    return observes_every_insn_ || insn_log_ != nullptr || access_log_ != nullptr;
  }
  bool observer_sees_every_insn() const { return observes_every_insn_; }
  /// Null: none. fetch() logs; engines that do without log what they execute, and settle at each end.
  /// Told by the engine that runs this hart; null: nobody is.
  void set_engine_observer(EngineObserver* observer) { engine_observer_ = observer; }
  EngineObserver* const& engine_observer() const { return engine_observer_; }
  void set_insn_log(InsnLog* log) { insn_log_ = log; }
  InsnLog* insn_log() const { return insn_log_; }
  /// Null: none. The complete execution logs; so must an engine what it does without.
  void set_access_log(AccessLog* log) { access_log_ = log; }
  AccessLog* access_log() const { return access_log_; }
  /// Is asked before satp changes.
  void set_log_keeper(LogKeeper* keeper) { log_keeper_ = keeper; }

  u64 mip() const { return state_.mip_software | state_.mip_lines; }

  void transfer(StateArchive& archive);
  /// Registers, CSRs, counters and TLB entries, in a fixed order; what a digest is made of.
  void append_architectural_state(std::vector<u64>& out) const;

 private:
  void ram_written(PhysAddr start, u64 count_bytes, Writer writer) override;
  void before_device() override { device_call_.emplace(state_.fp); }
  void after_device() override { device_call_.reset(); }
  bool wakeup_pending() const { return (mip() & state_.mie) != 0; }
  std::optional<unsigned> urgent_interrupt() const;
  /// MPRV is resolved.
  Privilege data_privilege() const {
    const bool mprv = state_.privilege == Privilege::kMachine && (state_.mstatus & kStatusMprv) != 0;
    return mprv ? static_cast<Privilege>(state_.mstatus >> kStatusMppShift & 3) : state_.privilege;
  }
  MemoryMode mode_of(Privilege privilege) const {
    return {Satp{state_.satp}, privilege, (state_.mstatus & kStatusSum) != 0,
            (state_.mstatus & kStatusMxr) != 0, pte_rules_};
  }
  /// SUM says nothing of fetches.
  unsigned fetch_bank_index() const { return FastTlb::bank_index(state_.privilege, false); }
  void enter_space();
  void choose_banks();
  void enter_handler(u64 cause, u64 tval, bool delegated);
  u64 read_mstatus() const;
  void write_mstatus(u64 value, u64 writable);
  void write_satp(u64 value);
  u64 read_misa() const;
  u64 legal_epc(u64 value) const;
  void write_menvcfg(u64 value);
  void write_mip(u64 value);
  void write_mcycle(u64 value);
  void write_minstret(u64 value);
  void write_mcountinhibit(u64 value);
  u64 read_pmp(unsigned number) const;
  void write_pmp(unsigned number, u64 value);
  bool csr_present(unsigned number) const;
  bool counter_allowed(u64 enable_bit) const;
  bool sstc_enabled() const;
  void update_supervisor_compare();
  PteRules pte_rules() const;

  const unsigned id_;
  const Isa isa_;
  Bus& bus_;
  HartEnv& env_;
  HartState state_{};
  FastTlb fast_;
  Mmu mmu_;
  PteRules pte_rules_;  // derived, as parts of state_ are
  std::optional<fp::HostPause> device_call_;
  std::atomic<bool> exit_requested_{false};
  HartObserver* observer_ = nullptr;
  bool observes_every_insn_ = false;
  EngineObserver* engine_observer_ = nullptr;
  InsnLog* insn_log_ = nullptr;
  AccessLog* access_log_ = nullptr;
  LogKeeper* log_keeper_ = nullptr;
};

}  // namespace quire
