#include "emu/machine/ram_layout.h"

#include "quire/arch/bits.h"

namespace quire {

bool RamLayout::reserve(u64 start, u64 size) {
  if (!contains(start, size)) {
    return false;
  }
  ranges_.push_back({start, start + size});
  return true;
}

std::optional<u64> RamLayout::place_top(u64 size, u64 alignment) {
  if (size > end_ - base_) {
    return std::nullopt;
  }
  u64 start = align_down(end_ - size, alignment);
  // Each step goes below a range that is in the way, so it ends.
  for (bool moved = true; moved;) {
    moved = false;
    for (const Range& range : ranges_) {
      if (start < range.end && range.start < start + size) {
        if (range.start < base_ + size) {
          return std::nullopt;
        }
        start = align_down(range.start - size, alignment);
        moved = true;
      }
    }
  }
  if (start < base_) {
    return std::nullopt;
  }
  ranges_.push_back({start, start + size});
  return start;
}

}  // namespace quire
