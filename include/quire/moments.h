// Observers that find moments of a run, natively: where it comes to an address or accesses one, and what
// happens next to bits that might be wrong.
//
// Each attaches itself when made and lets go of the machine when destroyed, which must be before the machine
// is.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "quire/debug.h"
#include "quire/machine.h"
#include "quire/observer.h"

namespace quire {

/// Counts (icount) at which instructions at given addresses ran, or accessed given memory.
class MomentFinder final : public Observer {
 public:
  /// `satp`: of the address space meant; none: any.
  MomentFinder(Machine& machine, std::vector<std::uint64_t> pcs, std::vector<Watchpoint> accesses,
               std::optional<std::uint64_t> satp);
  ~MomentFinder() override;

  /// Of an instruction or a read the count before it, of a write the count after it. Ascending.
  const std::vector<std::uint64_t>& moments() const { return moments_; }

  void on_insn(const InsnEvent& event) override;

 private:
  bool in_its_space() const;

  Machine& machine_;
  const std::unordered_set<std::uint64_t> pcs_;
  const std::vector<Watchpoint> accesses_;
  const std::optional<std::uint64_t> satp_;
  std::vector<std::uint64_t> moments_;
};

/// What a run does with a register or a byte of RAM after a moment: reads it, or overwrites it first.
///
/// A walk of page tables reads its entries, a device's DMA what it takes; an instruction that traps is taken
/// to read all registers. So "overwritten" is certain, and the run goes on alike from the moment that is told
/// on, whenever after the last access a fault came.
class LivenessProbe final : public Observer {
 public:
  enum class Bank : std::uint8_t { kX, kF, kRam };
  enum class Next : std::uint8_t { kNone, kRead, kOverwritten };
  struct Query {
    Bank bank;
    std::uint64_t place;   ///< register number, or physical address of a byte
    std::uint64_t icount;  ///< not before the machine's
  };
  struct Answer {
    Next next = Next::kNone;
    std::uint64_t icount = 0;  ///< before the instruction that does it
  };

  LivenessProbe(Machine& machine, const std::vector<Query>& queries);
  ~LivenessProbe() override;

  /// As far as the machine has run, in the order of the queries.
  const std::vector<Answer>& answers() const { return answers_; }

  void on_insn(const InsnEvent& event) override;
  void on_mmu(const MmuEvent& event) override;
  void on_trap(const TrapEvent& event) override;
  void on_dma(const DmaEvent& event) override;

 private:
  struct Waiting {
    std::vector<std::pair<std::uint64_t, std::size_t>> moments;  ///< icount, number of the query; ascending
    std::size_t next = 0;
  };

  void meet(Waiting& waiting, std::uint64_t icount, Next how);
  void meet_registers(Waiting* bank, std::uint32_t registers, std::uint64_t icount, Next how);
  void meet_ram(std::uint64_t address, std::uint64_t count_bytes, std::uint64_t icount, Next how);
  void meet_virtual(std::uint64_t va, std::uint64_t count_bytes, std::uint64_t icount, Next how);

  Machine& machine_;
  Waiting x_[32], f_[32];
  std::unordered_map<std::uint64_t, Waiting> ram_;  ///< by byte
  std::unordered_set<std::uint64_t> pages_;         ///< that have some
  std::vector<Answer> answers_;
};

}  // namespace quire
