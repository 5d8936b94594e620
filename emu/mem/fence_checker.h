// FenceChecker: compares every hit of the TLB with a fresh walk and keeps what differs
// (quire/fence_report.h).
//
// Invariant: it looks only; with it or without, the guest computes the same. One finding for each page, pc,
// kind of access and kind of difference; a bounded number of them.
#pragma once

#include <functional>
#include <map>
#include <tuple>

#include "emu/mem/tlb.h"
#include "emu/mem/walk.h"
#include "quire/fence_report.h"

namespace quire {

class FenceChecker {
 public:
  /// The instruction that makes the access.
  struct Place {
    u64 pc;
    u64 icount;
  };
  explicit FenceChecker(std::function<Place()> here) : here_(std::move(here)) { report_.enabled = true; }

  /// `entry` was hit; `fresh` is what a walk for the same access finds now.
  void check(const TlbEntry& entry, const MemoryMode& mode, VirtAddr va, Access access,
             const PageWalk& fresh);

  const FenceReport& report() const { return report_; }

 private:
  using Key = std::tuple<u64, u64, Access, StaleUse>;  // pc, page, ...

  std::optional<StaleUse> compare(const TlbEntry& entry, const MemoryMode& mode, VirtAddr va, Access access,
                                  const PageWalk& fresh);
  void keep(StaleUse use, const TlbEntry& entry, const MemoryMode& mode, VirtAddr va, Access access,
            const PageWalk& fresh);

  std::function<Place()> here_;
  FenceReport report_;
  std::map<Key, usize> index_;
};

}  // namespace quire
