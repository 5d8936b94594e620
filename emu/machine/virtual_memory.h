// Virtual memory as a debugger sees it: what the hart would find, without its leave and without effects.
#pragma once

#include <algorithm>
#include <optional>

#include "emu/hart/hart.h"

namespace quire {

/// Where an access to `va` in the hart's present data mode would go: the TLB first, stale as it may be, then
/// the page table; permissions apart. Empty: not mapped.
std::optional<PhysAddr> find_physical(const Hart& hart, VirtAddr va);

/// Calls `visit(PhysAddr, offset, count_bytes)` for the pieces of [va, va + count_bytes), a page at most
/// each, as long as they are mapped to RAM; returns the bytes visited.
template <class Visit>
u64 for_each_piece(const Hart& hart, u64 va, u64 count_bytes, Visit&& visit) {
  u64 done = 0;
  while (done < count_bytes) {
    const u64 at = va + done;
    const u64 piece = std::min(count_bytes - done, kPageBytes - (at & (kPageBytes - 1)));
    const auto physical = find_physical(hart, VirtAddr(at));
    if (!physical || !hart.mmu().bus().ram().contains(*physical, piece)) {
      break;
    }
    visit(*physical, done, piece);
    done += piece;
  }
  return done;
}

}  // namespace quire
