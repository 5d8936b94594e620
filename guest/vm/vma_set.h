// VmaSet: the ranges of an address space in order, with a search for gaps. Pure; tested on the host.
//
// Invariants: ranges are page-aligned, half-open, not empty and disjoint; each knows the bounds of its
// subtree and the largest gap between neighbours in it, so both searches are logarithmic. A range that
// grows downward keeps `guard_bytes` below it free of other mappings' placing.
#pragma once

#include <optional>

#include "guest/fs/augmented_tree.h"

namespace kernel {

struct VmaRange {
  VirtAddr start;
  VirtAddr end;
  u64 guard_bytes = 0;

  u64 size_bytes() const { return end - start; }
  bool contains(VirtAddr address) const { return address >= start && address < end; }

  // Summary of the subtree, kept by the set.
  u64 subtree_low = 0;  ///< lowest start, its guard included
  u64 subtree_high = 0;
  u64 subtree_gap = 0;
  AugmentedNode node;
};

class VmaSet {
 public:
  bool empty() const { return tree_.empty(); }
  usize size() const { return size_; }

  /// Must not overlap any other.
  void insert(VmaRange& range);
  void erase(VmaRange& range);
  /// New bounds between the same neighbours.
  void resize(VmaRange& range, VirtAddr start, VirtAddr end);

  /// The range that contains the address, or null.
  VmaRange* find(VirtAddr address) const;
  /// The first range that ends above the address, or null: where a scan from `address` begins.
  VmaRange* find_from(VirtAddr address) const;
  VmaRange* first() const { return tree_.first(); }
  VmaRange* last() const { return tree_.last(); }
  static VmaRange* next(VmaRange& range) { return Tree::next(range); }
  static VmaRange* previous(VmaRange& range) { return Tree::previous(range); }
  bool overlaps(VirtAddr start, VirtAddr end) const;

  /// The highest, or lowest, `bytes` free within [low, high).
  std::optional<VirtAddr> find_gap_down(u64 bytes, u64 low, u64 high) const;
  std::optional<VirtAddr> find_gap_up(u64 bytes, u64 low, u64 high) const;

  /// Panics when an invariant does not hold.
  void check() const;

 private:
  friend struct Description;
  struct Traits {
    static AugmentedNode& node(VmaRange& range) { return range.node; }
    static VmaRange& owner(AugmentedNode& node) {
      return *reinterpret_cast<VmaRange*>(reinterpret_cast<u8*>(&node) - offsetof(VmaRange, node));
    }
    static bool less(const VmaRange& a, const VmaRange& b) { return a.start < b.start; }
    static void update(VmaRange& range, const VmaRange* left, const VmaRange* right);
  };
  using Tree = AugmentedTree<VmaRange, Traits>;

  Tree tree_;
  usize size_ = 0;
};

}  // namespace kernel
