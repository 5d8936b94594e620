// IntervalTree: closed intervals of page numbers, found by overlap. Pure; tested on the host.
#pragma once

#include <algorithm>

#include "guest/fs/augmented_tree.h"

namespace kernel {

/// Member of whatever is kept in the tree. Equal intervals may be in it many times.
struct Interval {
  u64 first = 0;
  u64 last = 0;
  u64 subtree_last = 0;  ///< the largest `last` in the subtree
  AugmentedNode node;
};

class IntervalTree {
 public:
  bool empty() const { return tree_.empty(); }
  void insert(Interval& interval) { tree_.insert(interval); }
  void erase(Interval& interval) { tree_.erase(interval); }

  /// Calls `fn(Interval&)` for each that overlaps [first, last], in order of their starts. `fn` must not
  /// change the tree.
  template <class Fn>
  void for_each_overlap(u64 first, u64 last, Fn fn) const {
    visit(tree_.root(), first, last, fn);
  }

 private:
  struct Traits {
    static AugmentedNode& node(Interval& interval) { return interval.node; }
    static Interval& owner(AugmentedNode& node) {
      return *reinterpret_cast<Interval*>(reinterpret_cast<u8*>(&node) - offsetof(Interval, node));
    }
    static bool less(const Interval& a, const Interval& b) { return a.first < b.first; }
    static void update(Interval& interval, const Interval* left, const Interval* right) {
      interval.subtree_last = interval.last;
      if (left != nullptr) {
        interval.subtree_last = std::max(interval.subtree_last, left->subtree_last);
      }
      if (right != nullptr) {
        interval.subtree_last = std::max(interval.subtree_last, right->subtree_last);
      }
    }
  };
  using IntervalSet = AugmentedTree<Interval, Traits>;

  /// The depth of the recursion is the height of a balanced tree.
  template <class Fn>
  static void visit(Interval* at, u64 first, u64 last, Fn& fn) {
    if (at == nullptr || at->subtree_last < first) {
      return;
    }
    visit(IntervalSet::left(*at), first, last, fn);
    if (at->first > last) {
      return;
    }
    if (at->last >= first) {
      fn(*at);
    }
    visit(IntervalSet::right(*at), first, last, fn);
  }

  IntervalSet tree_;
};

}  // namespace kernel
