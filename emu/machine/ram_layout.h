// What lies where in RAM when the guest starts: reserved ranges, and gaps between them.
//
// Invariant: ranges are inside RAM; those from place_top() overlap nothing.
#pragma once

#include <optional>
#include <vector>

#include "emu/base/types.h"

namespace quire {

class RamLayout {
 public:
  RamLayout(u64 base, u64 size_bytes) : base_(base), end_(base + size_bytes) {}

  bool contains(u64 start, u64 size) const { return start >= base_ && start <= end_ && size <= end_ - start; }
  /// False when it is not inside RAM. May overlap what is there (a linker may share a page).
  bool reserve(u64 start, u64 size);
  /// The highest free range of `size` bytes at a multiple of `alignment` (a power of two), reserved; nothing
  /// when there is none.
  std::optional<u64> place_top(u64 size, u64 alignment);

 private:
  struct Range {
    u64 start;
    u64 end;
  };
  u64 base_;
  u64 end_;
  std::vector<Range> ranges_;
};

}  // namespace quire
