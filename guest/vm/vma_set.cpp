#include "guest/vm/vma_set.h"

#include <algorithm>

#include "quire/arch/sv39.h"

namespace kernel {

namespace {

u64 gap_between(u64 low, u64 high) { return high > low ? high - low : 0; }
/// Where the range begins for a neighbour below that is to be placed.
u64 guarded_start(const VmaRange& range) { return gap_between(range.guard_bytes, range.start.value); }

}  // namespace

void VmaSet::Traits::update(VmaRange& range, const VmaRange* left, const VmaRange* right) {
  range.subtree_low = guarded_start(range);
  range.subtree_high = range.end.value;
  range.subtree_gap = 0;
  if (left != nullptr) {
    range.subtree_gap = std::max(left->subtree_gap, gap_between(left->subtree_high, range.subtree_low));
    range.subtree_low = left->subtree_low;
  }
  if (right != nullptr) {
    range.subtree_gap =
        std::max({range.subtree_gap, right->subtree_gap, gap_between(range.end.value, right->subtree_low)});
    range.subtree_high = right->subtree_high;
  }
}

void VmaSet::insert(VmaRange& range) {
  ASSERT(range.start < range.end && is_aligned(range.start.value | range.end.value, kPageBytes));
  tree_.insert(range);
  size_++;
}

void VmaSet::erase(VmaRange& range) {
  tree_.erase(range);
  size_--;
}

void VmaSet::resize(VmaRange& range, VirtAddr start, VirtAddr end) {
  ASSERT(start < end && is_aligned(start.value | end.value, kPageBytes));
  range.start = start;
  range.end = end;
  tree_.changed(range);
}

VmaRange* VmaSet::find(VirtAddr address) const {
  VmaRange* const range = find_from(address);
  return range != nullptr && range->start <= address ? range : nullptr;
}

VmaRange* VmaSet::find_from(VirtAddr address) const {
  VmaRange* best = nullptr;
  for (VmaRange* at = tree_.root(); at != nullptr;) {
    if (at->end > address) {
      best = at;
      if (at->start <= address) {
        break;
      }
      at = Tree::left(*at);
    } else {
      at = Tree::right(*at);
    }
  }
  return best;
}

bool VmaSet::overlaps(VirtAddr start, VirtAddr end) const {
  const VmaRange* const range = find_from(start);
  return range != nullptr && range->start < end;
}

namespace {

/// Both searches visit only subtrees that hold, or border on, a gap that is large enough. The recursion is
/// as deep as a balanced tree is high.
template <class Tree>
struct GapSearch {
  u64 bytes;
  u64 low;
  u64 high;

  /// The part of the gap [from, to) that lies in [low, high), if it is large enough.
  bool fits(u64 from, u64 to) const { return gap_between(std::max(from, low), std::min(to, high)) >= bytes; }

  /// `above`: where the next range above the subtree begins.
  std::optional<u64> down(VmaRange* at, u64 above) const {
    if (at == nullptr || (at->subtree_gap < bytes && gap_between(at->subtree_high, above) < bytes)) {
      return std::nullopt;
    }
    VmaRange* const right = Tree::right(*at);
    if (const auto found = down(right, above)) {
      return found;
    }
    const u64 upper = right != nullptr ? right->subtree_low : above;
    if (fits(at->end.value, upper)) {
      return std::min(upper, high) - bytes;
    }
    return down(Tree::left(*at), guarded_start(*at));
  }

  /// `below`: where the last range below the subtree ends.
  std::optional<u64> up(VmaRange* at, u64 below) const {
    if (at == nullptr || (at->subtree_gap < bytes && gap_between(below, at->subtree_low) < bytes)) {
      return std::nullopt;
    }
    VmaRange* const left = Tree::left(*at);
    if (const auto found = up(left, below)) {
      return found;
    }
    const u64 lower = left != nullptr ? left->subtree_high : below;
    if (fits(lower, guarded_start(*at))) {
      return std::max(lower, low);
    }
    return up(Tree::right(*at), at->end.value);
  }
};

}  // namespace

std::optional<VirtAddr> VmaSet::find_gap_down(u64 bytes, u64 low, u64 high) const {
  const GapSearch<Tree> search{bytes, low, high};
  VmaRange* const root = tree_.root();
  if (const auto found = search.down(root, high)) {
    return VirtAddr(*found);
  }
  const u64 lowest = root != nullptr ? std::min(root->subtree_low, high) : high;
  return search.fits(low, lowest) ? std::optional(VirtAddr(lowest - bytes)) : std::nullopt;
}

std::optional<VirtAddr> VmaSet::find_gap_up(u64 bytes, u64 low, u64 high) const {
  const GapSearch<Tree> search{bytes, low, high};
  VmaRange* const root = tree_.root();
  if (const auto found = search.up(root, low)) {
    return VirtAddr(*found);
  }
  const u64 highest = root != nullptr ? std::max(root->subtree_high, low) : low;
  return search.fits(highest, high) ? std::optional(VirtAddr(highest)) : std::nullopt;
}

void VmaSet::check() const {
  tree_.check();
  usize seen = 0;
  const VmaRange* before = nullptr;
  u64 largest_gap = 0;
  for (VmaRange* at = first(); at != nullptr; at = next(*at)) {
    ASSERT(at->start < at->end && is_aligned(at->start.value | at->end.value, kPageBytes));
    if (before != nullptr) {
      ASSERT(before->end <= at->start);
      largest_gap = std::max(largest_gap, gap_between(before->end.value, guarded_start(*at)));
    }
    before = at;
    seen++;
  }
  ASSERT(seen == size_);
  ASSERT(tree_.root() == nullptr || tree_.root()->subtree_gap == largest_gap);
}

}  // namespace kernel
