// Breakpoints: virtual addresses before whose instruction a run stops.
//
// Invariant: whether one is hit depends on pc alone, is asked before the instruction is fetched, and changes
// nothing the guest can see. One that stopped a run is not hit again before the same instruction, so that
// running on gets past it.
#pragma once

#include <algorithm>
#include <vector>

#include "emu/base/types.h"
#include "emu/block/block_cache.h"

namespace quire {

class Breakpoints {
 public:
  /// Any order; duplicates do no harm.
  void set(std::vector<u64> pcs) {
    std::sort(pcs.begin(), pcs.end());
    pcs_ = std::move(pcs);
  }
  bool any() const { return !pcs_.empty(); }
  bool in_page(u64 page_address) const {
    const auto at = std::lower_bound(pcs_.begin(), pcs_.end(), page_address);
    return at != pcs_.end() && *at - page_address < kPageBytes;
  }
  BlockCache::StopOffsets offsets() const {
    BlockCache::StopOffsets result;
    for (const u64 pc : pcs_) result.set((pc & (kPageBytes - 1)) / 2);
    return result;
  }

  /// Whether the instruction at `pc`, number `icount`, must wait; then it is remembered as passed.
  bool hit(u64 pc, u64 icount) {
    if (!std::binary_search(pcs_.begin(), pcs_.end(), pc)) return false;
    if (pc == passed_pc_ && icount == passed_icount_) return false;
    passed_pc_ = pc;
    passed_icount_ = icount;
    return true;
  }

 private:
  std::vector<u64> pcs_;  // sorted
  u64 passed_pc_ = 0;
  u64 passed_icount_ = ~u64{0};
};

}  // namespace quire
