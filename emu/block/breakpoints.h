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
#include "emu/hart/engine.h"

namespace quire {

class Breakpoints {
 public:
  /// Any order; duplicates do no harm.
  void set(std::vector<u64> pcs, std::vector<PcRange> ranges) {
    std::sort(pcs.begin(), pcs.end());
    pcs_ = std::move(pcs);
    ranges_ = std::move(ranges);
  }
  bool any() const { return !pcs_.empty() || !ranges_.empty(); }
  bool in_page(u64 page_address) const {
    const auto at = std::lower_bound(pcs_.begin(), pcs_.end(), page_address);
    if (at != pcs_.end() && *at - page_address < kPageBytes) return true;
    return std::any_of(ranges_.begin(), ranges_.end(), [page_address](const PcRange& range) {
      return range.first <= page_address + (kPageBytes - 1) && page_address <= range.last;
    });
  }
  BlockCache::StopOffsets offsets() const {
    BlockCache::StopOffsets result;
    for (const u64 pc : pcs_) result.set((pc & (kPageBytes - 1)) / 2);
    for (const PcRange& range : ranges_) {
      if (range.last - range.first >= kPageBytes) return result.set();
      for (u64 at = range.first / 2; at <= range.last / 2; ++at) {
        result.set(at % (kPageBytes / 2));
      }
    }
    return result;
  }

  /// Whether the instruction at `pc`, number `icount`, must wait; then it is remembered as passed.
  bool hit(u64 pc, u64 icount) {
    if (!std::binary_search(pcs_.begin(), pcs_.end(), pc) && !in_a_range(pc)) return false;
    if (pc == passed_.pc && icount == passed_.icount) return false;
    passed_ = {pc, icount};
    return true;
  }

  /// For a hart whose state was replaced: it may come to the same pc at the same count again.
  void forget_passed() { passed_ = {}; }
  const PassedBreakpoint& passed() const { return passed_; }
  void set_passed(const PassedBreakpoint& passed) { passed_ = passed; }

 private:
  bool in_a_range(u64 pc) const {
    return std::any_of(ranges_.begin(), ranges_.end(),
                       [pc](const PcRange& range) { return range.first <= pc && pc <= range.last; });
  }

  std::vector<u64> pcs_;  // sorted
  std::vector<PcRange> ranges_;
  PassedBreakpoint passed_;
};

}  // namespace quire
