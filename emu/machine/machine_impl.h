// Machine::Impl: owns every part and wires them; what it does over time is in run_loop.cpp.
//
// Invariant: between run() calls the hart is at an instruction boundary, and nothing that happened depends on
// where the runs were cut.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "emu/hart/engine.h"
#include "emu/hart/hart.h"
#include "emu/machine/board.h"
#include "emu/machine/boot_plan.h"
#include "emu/machine/event_queue.h"
#include "emu/machine/firmware.h"
#include "emu/machine/htif.h"
#include "emu/machine/injector.h"
#include "emu/machine/listeners.h"
#include "emu/machine/observer_hub.h"
#include "emu/machine/snapshot_impl.h"
#include "emu/machine/symbols.h"
#include "emu/machine/views.h"
#include "emu/mem/ram_image.h"
#include "quire/machine.h"

namespace quire {

/// An interrupt input of a hart.
class HartLine final : public IrqLine {
 public:
  HartLine(Hart& hart, Interrupt line) : hart_(hart), line_(line) {}
  /// Asked for faults from then on.
  void set_injector(Injector* injector) { injector_ = injector; }
  void set(bool asserted) override {
    const bool rises = asserted && !bit(hart_.mip(), static_cast<unsigned>(line_));
    if (rises && injector_ != nullptr && injector_->loses_interrupt(line_)) {
      return;
    }
    hart_.set_interrupt(line_, asserted);
  }

 private:
  Hart& hart_;
  Interrupt line_;
  Injector* injector_ = nullptr;
};

class Machine::Impl final : private HartEnv {
 public:
  explicit Impl(Config config);

  Stop run(const RunLimits& limits);
  void request_stop() noexcept;
  void cancel_stop() noexcept { stop_requested_.store(false, std::memory_order_relaxed); }

  Counters counters() const;
  EngineStats engine_stats() const {
    EngineStats stats = engine_->stats();
    add_counts(stats, engines_before_);
    const bool for_logs = engine_config_.kind != config_.engine.kind;
    stats.instead = for_logs ? "instructions or accesses are recorded" : interpreted_because_;
    return stats;
  }
  u64 digest() const;
  std::optional<Screen> screen() const;
  Walk walk(VirtAddr va, u64 satp, Access access, Privilege privilege) const;
  void add_sink(TraceSink* sink) { sinks_.add({sink}); }
  void remove_sink(TraceSink* sink) { sinks_.remove(sink); }

  void add_breakpoint(u64 pc);
  void remove_breakpoint(u64 pc);
  void add_breakpoint_range(PcRange range);
  void remove_breakpoint_range(PcRange range);
  usize read_virtual(u64 va, std::span<u8> out) const;
  usize write_virtual(u64 va, std::span<const u8> data);
  std::optional<u64> physical_address(u64 va) const;
  std::vector<TlbEntryView> tlb_entries() const;
  void restart();
  Snapshot snapshot();
  void restore(const Snapshot& snapshot);
  void add_part(std::string name, std::function<void(StateArchive&)> transfer);
  void remove_part(const std::string& name);
  ObserverHub& observers() { return hub_; }
  SymbolTable& symbols() { return symbols_; }
  Injector& injector() { return injector_; }
  bool change_tlb_entry(u64 satp, VirtAddr va, const TlbChange& change);
  void raise_interrupt(Interrupt line) { hart_.set_interrupt(line, true); }
  void jump_clock(i64 by_ns);
  bool write_device(PhysAddr address, unsigned size, u64 value);

  const Config& config() const { return config_; }
  u64 reboots() const { return reboots_; }
  u64 icount() const { return hart_.state().icount; }
  u64 time_ns() const { return events_.now_ns(); }
  HartAccess& hart_view() { return hart_view_; }
  RamAccess& ram_view() { return ram_view_; }
  const FenceReport& fence_report() const { return fence_checker_.report(); }
  ControlToGuest& control_in() { return *control_in_; }
  ControlFromGuest& control_out() { return *control_out_; }
  const BootPlan& boot_plan() const { return plan_; }
  const Board& board() const { return board_; }
  Board& board() { return board_; }

 private:
  using HostClock = std::chrono::steady_clock;
  enum class Idle { kProgress, kForEver };
  struct Sink {
    TraceSink* who;
  };

  // HartEnv
  u64 time() override { return board_.clint().time(); }
  bool sbi_call(HartState& state) override;
  void set_supervisor_compare(std::optional<u64> ticks) override {
    board_.clint().set_supervisor_compare(hart_.id(), ticks);
  }

  Board::Wiring board_wiring();
  Firmware::Wiring firmware_wiring();
  void make_htif();
  void power_on();
  void reboot();

  // Snapshots (machine_state.cpp).
  using Transfer = std::function<void(StateArchive&)>;
  void for_each_part(const std::function<void(const std::string&, const Transfer&)>& visit);
  void transfer_run_state(StateArchive& archive);
  void save_sections(Snapshot::Impl& into);
  void load_sections(const Snapshot::Impl& from);
  void check_fit(const Snapshot::Impl& snapshot) const;
  void check_told(const Snapshot::Impl& from) const;
  std::vector<u64> digest_words() const;

  // Run loop.
  struct RunEnd {
    u64 icount;
    u64 time_ns;
    std::optional<HostClock::time_point> deadline;
  };
  std::optional<Stop> check_stop(const RunEnd& end);
  Idle idle(const RunEnd& end);
  bool wait_for_input(int timeout_ms, std::optional<HostClock::time_point> deadline);
  void pass_time_to(u64 due_ns, std::optional<HostClock::time_point> deadline);
  void choose_engine();
  void run_slice(const RunEnd& end);
  void on_schedule(u64 deadline_ns);
  void breakpoints_changed();
  Stop watch_stop(const WatchHit& hit) const;
  bool halted() const { return hart_.waiting() || firmware_.hart_stopped(); }
  Stop make_stop(StopReason reason, std::string detail) const;

  // From devices and firmware, within an instruction.
  void finish(int status);
  void request_reboot();
  void trace(TraceEventId id, std::span<const u64> args);

  Config config_;  // as it was given, with the engine that runs; not changed after construction
  Ram ram_;
  Bus bus_;
  Hart hart_;
  EngineConfig engine_config_;  ///< of the engine that there is now
  std::unique_ptr<HartEngine> engine_;
  std::string interpreted_because_;
  EngineStats engines_before_;  ///< what those did that were given up for another
  EventQueue events_;
  HartLine machine_software_;
  HartLine machine_timer_;
  HartLine supervisor_timer_;
  HartLine machine_external_;
  HartLine supervisor_external_;
  std::shared_ptr<ControlToGuest> control_in_ = std::make_shared<ControlToGuest>();
  std::shared_ptr<ControlFromGuest> control_out_ = std::make_shared<ControlFromGuest>();
  Board board_;
  Injector injector_;
  Firmware firmware_;
  const BootPlan plan_;
  std::unique_ptr<Htif> htif_;
  FenceChecker fence_checker_;
  HartAccess hart_view_;
  RamAccess ram_view_;
  Listeners<Sink> sinks_;
  ObserverHub hub_;
  SymbolTable symbols_;
  std::set<u64> breakpoints_;
  std::vector<PcRange> breakpoint_ranges_;
  bool at_breakpoint_ = false;  ///< the last slice ended before one

  RamImager imager_{ram_};
  std::map<std::string, Transfer> outer_parts_;  ///< by add_part

  std::optional<int> exit_status_;
  bool reboot_requested_ = false;
  u64 reboots_ = 0;
  std::atomic<bool> stop_requested_{false};
  bool running_ = false;             ///< inside run()
  u64 polled_at_icount_ = 0;         ///< when the run loop looked for late input, idle times aside
  u64 idle_debt_ns_ = 0;             ///< skipped, but not waited for yet by the host (IdleTime::kWait)
  std::optional<u64> slice_end_ns_;  ///< while the engine runs: when it will stop by itself
};

}  // namespace quire
