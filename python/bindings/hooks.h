// Hooks: what Python wants to be called for, and what of it has happened and is not told yet.
//
// Whatever a hook is for, it only notes what happened and asks the machine to stop after the instruction at
// hand; Guest calls Python between two instructions, when all of the machine may be looked at and changed.
// Invariant: nothing is armed in the machine that no hook asks for.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "python/bindings/condition.h"
#include "quire/machine.h"
#include "quire/process_table.h"

namespace quire::python {

enum class HookKind : std::uint8_t {
  kInsn,    ///< before an instruction whose pc is in first..last
  kAccess,  ///< after an instruction that read or wrote bytes in first..last
  kEvent,   ///< after the instruction by which the supervisor told of it
  kTrap,    ///< before the first instruction of the handler; so with interrupts
  kInterrupt,
  kWalk,  ///< of the MMU: pages that overlap first..last
  kFill,
  kEvict,
  kFence,
  kDevice,
  kSbi,
};

struct HookSpec {
  HookKind kind;
  std::uint64_t first = 0, last = UINT64_MAX;  ///< addresses; both included
  WatchKind watch = WatchKind::kAccess;        ///< kAccess
  std::optional<int> pid = {};                 ///< only while this process' address space is in force
  std::optional<std::uint64_t> number = {};    ///< cause, or extension of the SBI
  std::string device = {};                     ///< kDevice: empty for all
  std::optional<Condition> condition = {};     ///< kEvent
};

/// What a hook is told. Text is of tables, or of devices that live as long as the machine.
using HookNews =
    std::variant<EventPlace, AccessEvent, TraceEvent, TrapEvent, MmuEvent, DeviceEvent, SbiEvent>;

struct Hit {
  std::size_t hook;
  HookKind kind;
  HookNews news;
};

/// Whether that process' page table is in force.
bool in_address_space(Machine& machine, const ProcessTable& processes, int pid);

class HookSet final : private TraceSink, private Observer {
 public:
  /// Both must outlive it.
  HookSet(Machine& machine, const ProcessTable& processes) : machine_(machine), processes_(processes) {}
  ~HookSet() override;
  HookSet(const HookSet&) = delete;
  HookSet& operator=(const HookSet&) = delete;

  /// Its number; those of removed hooks are given again. Error(kUsage) for an impossible range.
  std::size_t add(HookSpec spec);
  /// It is told nothing more. One that is not there is ignored.
  void remove(std::size_t hook);
  /// How often it was hit since it was added.
  std::uint64_t hits(std::size_t hook) const;

  /// The machine stopped at a breakpoint, which is ours.
  void at_breakpoint(const Stop& stop);
  bool pending() const { return !pending_.empty(); }
  /// Takes the next off the queue; precondition: there is one.
  Hit next();
  void forget_pending() { pending_.clear(); }

 private:
  struct Hook {
    HookSpec spec;
    std::uint64_t hits = 0;
  };

  void on_event(const TraceEvent& event) override;
  void on_access(const AccessEvent& event) override;
  void on_trap(const TrapEvent& event) override { caused(HookKind::kTrap, event); }
  void on_interrupt(const TrapEvent& event) override { caused(HookKind::kInterrupt, event); }
  void on_mmu(const MmuEvent& event) override;
  void on_device(const DeviceEvent& event) override;
  void on_sbi(const SbiEvent& event) override;

  void arm(const HookSpec& spec);
  void disarm(const HookSpec& spec);
  void listen();
  bool any_of(HookKind kind) const;
  void caused(HookKind kind, const TrapEvent& event);
  bool in_process(const HookSpec& spec) const;
  void note(std::size_t hook, const HookNews& news);
  template <class Matches>
  void note_all(HookKind kind, const HookNews& news, Matches&& matches);

  Machine& machine_;
  const ProcessTable& processes_;
  std::vector<std::optional<Hook>> hooks_;
  std::unordered_multimap<std::uint64_t, std::size_t> insn_hooks_;  ///< of a single pc
  std::vector<std::size_t> insn_range_hooks_;
  std::deque<Hit> pending_;
};

}  // namespace quire::python
