// A whole machine: made from a Config, run by counts, looked at between and during runs.
//
// Same Config and same inputs give the same execution, bit for bit, however the run is sliced.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "quire/arch/cause.h"
#include "quire/arch/sv39.h"
#include "quire/config.h"
#include "quire/debug.h"
#include "quire/engine_stats.h"
#include "quire/error.h"
#include "quire/fault.h"
#include "quire/fence_report.h"
#include "quire/observer.h"
#include "quire/screen.h"
#include "quire/snapshot.h"
#include "quire/state_archive.h"
#include "quire/trace_sink.h"

namespace quire {

enum class StopReason : std::uint8_t {
  kExited,      ///< powered off by the guest (finisher, SBI, tohost); `exit_status` says how
  kLimit,       ///< max_insns reached, exactly
  kTimeout,     ///< host time over
  kRequested,   ///< request_stop()
  kIdle,        ///< the guest waits for ever: no event is due and no input can come
  kBreakpoint,  ///< before the instruction at a breakpoint
  kWatchpoint,  ///< after an instruction that accessed a watchpoint; `watch` says which
};

struct Stop {
  StopReason reason;
  unsigned hart;
  std::uint64_t pc;
  std::uint64_t icount;
  int exit_status;     ///< with kExited: 0..255
  std::string detail;  ///< one line for people
  std::optional<WatchHit> watch = {};
};

struct RunLimits {
  std::uint64_t max_insns = UINT64_MAX;  ///< from now on; counts as icount does
  double timeout_seconds = 0;            ///< host time; 0: none
  std::uint64_t max_ns = UINT64_MAX;  ///< virtual time from now on; a guest that waits need execute nothing
};

/// One step of a page-table walk, root first.
struct WalkStep {
  unsigned level;
  std::uint64_t pte_address;  ///< physical
  arch::Pte pte;
};

/// What a walk found. `fault` is empty when the access would be allowed.
struct Walk {
  std::vector<WalkStep> steps;
  std::optional<arch::Exception> fault;
  std::string fault_reason;        ///< one phrase, e.g. "write to a read-only page"
  std::uint64_t physical_address;  ///< valid without a fault
  std::uint64_t page_bytes;
};

/// TLB counters since reset, architectural ones (quire/config.h TlbConfig). Hits are counted with a named
/// policy or with the fence checker alone; otherwise most are answered without a look at the TLB, and the
/// counts stay 0. A store that must set D walks although it hits. Flushes are counted by what sfence.vma
/// named.
struct TlbStats {
  std::uint64_t hits, misses, walks, evictions, flushes_all, flushes_asid, flushes_page, flushes_page_asid;
  std::uint64_t hits_by_access[3], misses_by_access[3];  ///< indexed by arch::Access
  std::uint64_t pte_reads;                               ///< page-table entries that walks looked at
};

/// Where a device's registers are.
struct DevicePlace {
  std::string name;
  std::uint64_t base;  ///< physical
  std::uint64_t size_bytes;
};

struct Counters {
  std::uint64_t icount;    ///< instructions retired plus instructions that trapped
  std::uint64_t minstret;  ///< retired only
  std::uint64_t traps, interrupts, page_faults;
  TlbStats tlb;
};

/// Architectural state of one hart. Register numbers out of range, and CSRs that do not exist: Error(kUsage).
class HartView {
 public:
  virtual ~HartView() = default;
  virtual std::uint64_t pc() const = 0;
  virtual void set_pc(std::uint64_t value) = 0;
  virtual std::uint64_t x(unsigned index) const = 0;
  virtual void set_x(unsigned index, std::uint64_t value) = 0;  ///< x0 stays 0
  virtual std::uint64_t f(unsigned index) const = 0;            ///< raw bits, NaN-boxed
  virtual void set_f(unsigned index, std::uint64_t value) = 0;
  virtual std::uint64_t csr(unsigned number) const = 0;  ///< as M-mode would read it, without side effects
  virtual void set_csr(unsigned number, std::uint64_t value) = 0;
  virtual arch::Privilege privilege() const = 0;
  virtual void set_privilege(arch::Privilege value) = 0;
};

/// Physical RAM. Ranges that are not wholly RAM: Error(kUsage). The guest sees writes at once.
class MemoryView {
 public:
  virtual ~MemoryView() = default;
  virtual std::uint64_t base() const = 0;
  virtual std::uint64_t size_bytes() const = 0;
  virtual void read(std::uint64_t address, std::span<std::uint8_t> out) const = 0;
  virtual void write(std::uint64_t address, std::span<const std::uint8_t> data) = 0;
  /// All of RAM, in place; valid as long as the machine.
  virtual std::span<const std::uint8_t> bytes() const = 0;
};

/// Why this build or host has no translator, in one line that says what to do; empty: it has.
std::string translator_problem();
/// The same after a trial: also where the host gives no memory to run code from.
std::string translator_trial();

class Machine {
 public:
  /// Throws Error(kUsage) for an impossible setting, Error(kFile) for a bad kernel or drive.
  explicit Machine(Config config);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Runs until a limit, a stop or the end. Running again goes on; after kExited it returns the same Stop at
  /// once. Throws Error(kState) when called from a sink.
  Stop run(const RunLimits& limits = {});
  /// Ends the current run() after the current instruction. From a sink, or from any thread or
  /// signal handler (then at the next slice).
  void request_stop() noexcept;
  /// Forgets a request that no run() has seen yet.
  void cancel_stop() noexcept;

  const Config& config() const;
  std::uint64_t icount() const;
  std::uint64_t time_ns() const;  ///< virtual time: icount plus what WFI skipped
  std::uint64_t reboots() const;  ///< how often it has started anew
  Counters counters() const;
  EngineStats engine_stats() const;

  /// What the checker has seen so far; `enabled` is false without TlbConfig::check.
  FenceReport fence_report() const;

  HartView& hart(unsigned index = 0);
  MemoryView& memory();

  /// Walks the page table of `satp` (privilege U unless told) without touching A/D bits or the TLB.
  /// Translation alone: what physical memory protection allows is not looked at.
  Walk walk(arch::VirtAddr va, std::uint64_t satp, arch::Access access,
            arch::Privilege privilege = arch::Privilege::kUser) const;

  // --- for debuggers ---

  /// Runs stop with kBreakpoint before the instruction at virtual address `pc`, whatever the mode or the
  /// address space; once for each time the guest comes there, so that run() goes past it. The guest's memory
  /// is left alone, and nothing but `StopReason` differs from a run without. Twice is as once.
  void add_breakpoint(std::uint64_t pc);
  void remove_breakpoint(std::uint64_t pc);  ///< one that is not there is ignored
  /// The same before every instruction from `first` to `last`, both included. Twice counts twice.
  void add_breakpoint_range(std::uint64_t first, std::uint64_t last);
  void remove_breakpoint_range(std::uint64_t first, std::uint64_t last);
  /// Runs stop with kWatchpoint after an instruction that accesses some of these bytes; likewise.
  /// Error(kUsage) for an impossible range.
  void add_watchpoint(const Watchpoint& watchpoint);
  void remove_watchpoint(const Watchpoint& watchpoint);

  /// Virtual memory as a load of hart 0 would find it now (the TLB first, then the page table), permissions
  /// apart and without any effect. Returns how many bytes could be read or written from the start: fewer when
  /// one is not mapped or not RAM.
  std::size_t read_virtual(std::uint64_t va, std::span<std::uint8_t> out) const;
  std::size_t write_virtual(std::uint64_t va, std::span<const std::uint8_t> data);

  /// Where a load of hart 0 at `va` would go, likewise; nothing where nothing is mapped. May be called from a
  /// sink.
  std::optional<std::uint64_t> physical_address(std::uint64_t va) const;

  /// All valid entries, by address.
  std::vector<TlbEntryView> tlb_entries() const;
  /// More names for symbol_at: an ELF that is not position-independent, or lines of nm (Linux's System.map).
  /// Error(kFile), naming `name`, for anything else and for a file without symbols.
  void add_symbols(std::span<const std::uint8_t> file, const std::string& name);
  /// The last symbol at or before `address`, as linked or as loaded, within a MiB: of the kernel's ELF, and
  /// of what was added.
  std::optional<SymbolPlace> symbol_at(std::uint64_t address) const;
  /// Where one of these symbols is.
  std::optional<std::uint64_t> symbol_address(const std::string& name) const;

  // --- for fault injection (not from a sink) ---

  /// From now on this goes wrong, until it is over. Error(kUsage) for a place that the machine has not.
  void arm(const ArmedFault& fault);
  /// Nothing that was armed goes wrong any more.
  void disarm();
  std::size_t armed() const;
  /// How often an armed fault has made a difference, since disarm() or restore().
  std::uint64_t faults_fired() const;
  /// Changes the TLB's entry for `va` in the address space of `satp`; false when it has none.
  bool change_tlb_entry(std::uint64_t satp, arch::VirtAddr va, const TlbChange& change);
  /// An interrupt that nothing asked for: of the hart, pending until its line is next driven, or of a source
  /// of the PLIC. Error(kUsage) for one that does not exist.
  void raise_interrupt(arch::Interrupt line);
  void raise_irq(unsigned source);
  /// mtime and `time` go forward, or back, at once.
  void jump_clock(std::int64_t by_ns);
  /// As a store of the hart would, whatever may be stored; false when no device takes it.
  bool write_device(std::uint64_t address, unsigned size_bytes, std::uint64_t value);

  /// Drives, in the order of Config::drives. Numbers out of range, here and below: Error(kUsage).
  std::size_t drives() const;
  std::uint64_t drive_bytes(std::size_t drive) const;
  /// What the drive holds now. Error(kFile) when the host will not read it.
  void read_drive(std::size_t drive, std::uint64_t offset, std::span<std::uint8_t> out) const;
  /// From now on drives that take writes have a volatile cache, as the driver is told they have: what is not
  /// flushed when cut_power() comes is there, gone, or there in part, as `seed` decides. Error(kUsage) for
  /// drives that are written to (not snapshot).
  void track_unflushed_writes();
  std::size_t unflushed_writes(std::size_t drive) const;
  /// Of all drives; the machine itself is left as it is. Precondition: track_unflushed_writes().
  void cut_power(std::uint64_t seed);

  /// Power-on: everything starts over but counts, time and what was written to drives. Not from a sink.
  void restart();

  /// All of the machine as it is now (quire/snapshot.h). Error(kUsage) when part of it is the host's: a
  /// share, the network, a drive that is written to. Error(kState) from a sink.
  Snapshot snapshot();
  /// Goes back, or over, to it. Error(kUsage) that names the setting in which this machine differs from the
  /// snapshot's; Error(kFile) when its state is not this build's; the machine is then as it was. Breakpoints,
  /// sinks and observers stay. Error(kState) from a sink.
  void restore(const Snapshot& snapshot);
  /// State that goes with the machine's: `transfer` is called whenever a snapshot is taken or restored. It
  /// must live as long as the machine or until it is removed. One name, one part.
  void add_part(const std::string& name, std::function<void(StateArchive&)> transfer);
  void remove_part(const std::string& name);

  void add_observer(Observer* observer, ObservedSet what);  ///< not owned, as sinks are
  void remove_observer(Observer* observer);
  /// Tells it of accesses to some of these bytes (Observer::on_access), as often as they were named. Few
  /// pages cost those who access them; a thousand and more cost every instruction. Not from within on_access.
  void observe_memory(Observer* observer, const Watchpoint& where);
  void stop_observing_memory(Observer* observer, const Watchpoint& where);
  /// Not owned; not from within a run. While there is a sink of instructions or accesses, the interpreter
  /// runs the machine, whatever its engine: what it does is the same.
  void add_insn_sink(InsnSink* sink);
  void remove_insn_sink(InsnSink* sink);
  /// Tells it of accesses to some of these bytes, however many they are. One sink, one place.
  void add_access_sink(AccessSink* sink, const Watchpoint& where);
  void remove_access_sink(AccessSink* sink);

  /// 64-bit xxh3 over architectural state: every hart's registers and CSRs, all RAM, icount and time.
  std::uint64_t digest() const;

  void add_sink(TraceSink* sink);  ///< not owned; must outlive the machine or be removed
  void remove_sink(TraceSink* sink);

  /// Host end of the control port (quire/arch/bootinfo.h); without one, writes are dropped.
  void control_write(std::span<const std::uint8_t> data);  ///< host -> guest, queued
  std::vector<std::uint8_t> control_read();                ///< guest -> host, all that has come

  /// What went wrong between devices and the host or the guest's drivers since power-on (a disk image that
  /// the host would not write, a driver that broke virtio's rules): one line each, for people.
  std::vector<std::string> troubles() const;

  /// The devices on the board, by address.
  std::vector<DevicePlace> devices() const;

  /// What the framebuffer shows now; nothing without Config::screen.
  std::optional<Screen> screen() const;

  /// The device tree handed to the guest (empty in kBare mode without one).
  std::span<const std::uint8_t> device_tree() const;
  /// Value of an ELF symbol of the kernel, if it has one.
  std::optional<std::uint64_t> symbol(const std::string& name) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quire
