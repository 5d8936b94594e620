// ObserverHub: from what the layers tell of themselves to the public events, and to watchpoints.
//
// Invariant: a layer tells only what some observer or watchpoint wants, so that unobserved machines pay for a
// null pointer. Events are handed over with the host's floating-point unit back in the emulator's hands.
#pragma once

#include <optional>
#include <vector>

#include "emu/hart/access_log.h"
#include "emu/hart/engine_observer.h"
#include "emu/hart/hart.h"
#include "emu/hart/insn_log.h"
#include "emu/hart/observer.h"
#include "emu/machine/listeners.h"
#include "emu/mem/observer.h"
#include "quire/debug.h"
#include "quire/observer.h"

namespace quire {

class ObserverHub final : private HartObserver,
                          private MmuObserver,
                          private BusObserver,
                          private EngineObserver,
                          private InsnSink,
                          private AccessSink,
                          private LogKeeper {
 public:
  explicit ObserverHub(Hart& hart) : hart_(hart) { hart_.set_log_keeper(this); }
  ~ObserverHub() override = default;
  ObserverHub(const ObserverHub&) = delete;
  ObserverHub& operator=(const ObserverHub&) = delete;

  void add(Observer* observer, ObservedSet what);
  void remove(Observer* observer);

  void add_watchpoint(const Watchpoint& watchpoint);
  void remove_watchpoint(const Watchpoint& watchpoint);
  void observe_memory(Observer* observer, const Watchpoint& where);
  void stop_observing_memory(Observer* observer, const Watchpoint& where);
  void add_insn_sink(InsnSink* sink);
  void remove_insn_sink(InsnSink* sink);
  void add_access_sink(AccessSink* sink, const Watchpoint& where);
  void remove_access_sink(AccessSink* sink);
  /// The engine has stopped: what it logged is told.
  void settle_log();
  /// What has been logged comes before what is about to be told or to change.
  void flush_logs() override;
  /// The hart's state was replaced.
  void forget_logged();
  /// The hit that asked the hart to exit, once.
  std::optional<WatchHit> take_hit();

  bool wants(Observed what) const { return wanted_.contains(what); }
  EventPlace place() const;
  void tell_sbi(const SbiEvent& event);

 private:
  struct Registered {
    Observer* who;
    ObservedSet what;
  };
  struct Sink {
    AccessSink* who;
    Watchpoint where;
  };
  struct Place {
    Observer* who;
    Watchpoint where;
  };
  /// What an instruction may change, as it was before.
  struct Before {
    EventPlace at;
    u64 x[32];
    u64 mstatus;
    u64 fflags;
  };

  void on_begin(const Insn& insn) override;
  void on_end(const Insn& insn) override;
  void on_access(Access access, u64 va, unsigned size, u64 value) override;
  void on_trap(u64 cause, u64 tval, Privilege target, u64 handler) override;
  void on_walk(const MemoryMode& mode, VirtAddr va, Access access, const PageWalk& found) override;
  void on_fill(const TlbEntry& entry) override { tell_entry(MmuEvent::Kind::kFill, entry); }
  void on_evict(const TlbEntry& entry) override { tell_entry(MmuEvent::Kind::kEvict, entry); }
  void on_fence(std::optional<VirtAddr> va, std::optional<u16> asid) override;
  void on_dma(PhysAddr address, u64 count_bytes, Access access) override;
  void on_block_made(std::span<const PlacedInsn> insns, std::span<const u8> code,
                     const std::string& ir) override;
  void on_block_dropped(u64 address, DropReason reason) override;
  void on_link_made(u64 from, u64 to) override;
  void on_code_given_up(u64 blocks) override;
  void on_device_access(const Device& device, u64 offset, unsigned size, Access access, u64 value) override;

  void on_insns(std::span<const InsnPlace> insns) override;
  void on_accesses(std::span<const AccessPlace> accesses) override;
  void tell_insns(std::span<const InsnPlace> insns);
  void tell_accesses_before(u64 icount);
  void install_access_log();

  void install();
  bool install_pages();
  void tell_access(const Place& place, const AccessEvent& event);
  void collect_writes(const Insn& insn);
  void tell_entry(MmuEvent::Kind kind, const TlbEntry& entry);
  template <class Call>
  void tell(Observed what, Call&& call);

  Hart& hart_;
  Listeners<Registered> observers_;
  ObservedSet wanted_;
  std::vector<Watchpoint> watchpoints_;
  std::optional<WatchHit> hit_;
  std::vector<Place> places_;
  std::vector<InsnSink*> insn_sinks_;
  InsnLog insn_log_{*this};
  std::vector<Sink> access_sinks_;
  AccessLog access_log_{*this};
  usize accesses_told_ = 0;  ///< of what is in the log

  Before before_{};
  std::vector<RegisterWrite> writes_;
  std::vector<MemoryAccess> accesses_;
};

}  // namespace quire
