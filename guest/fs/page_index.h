// PageIndex<T>: page number -> T*, a radix tree that grows with the largest number in it. Pure; tested on the
// host.
//
// Invariants: a tree of height h holds numbers below 64^h; height 0 is a single item at 0 in the root
// pointer itself; a node's bitmap says which slots are in use, and an empty node is freed at once.
#pragma once

#include <bit>

#include "guest/lib/heap.h"
#include "guest/lib/panic.h"

namespace kernel {

template <class T>
class PageIndex : NonCopyable {
 public:
  PageIndex() = default;
  ~PageIndex() { ASSERT(size_ == 0); }

  usize size() const { return size_; }
  bool empty() const { return size_ == 0; }

  T* find(u64 index) const {
    if (!in_reach(index)) {
      return nullptr;
    }
    void* at = root_;
    for (unsigned level = height_; level > 0 && at != nullptr; level--) {
      at = static_cast<Node*>(at)->slots[slot_of(index, level)];
    }
    return static_cast<T*>(at);
  }

  /// The place must be free. ENOMEM leaves the tree as it was.
  KResult<void> insert(u64 index, T* item) {
    while (!in_reach(index)) {
      TRY(grow());
    }
    if (height_ == 0) {
      ASSERT(root_ == nullptr);
      root_ = item;
      size_++;
      return {};
    }
    if (root_ == nullptr) {
      root_ = TRY(make_node());
    }
    Node* path[kMaxHeight + 1] = {};
    Node* node = static_cast<Node*>(root_);
    for (unsigned level = height_; level > 1; level--) {
      path[level] = node;
      const unsigned slot = slot_of(index, level);
      if (node->slots[slot] == nullptr) {
        const auto fresh = make_node();
        if (!fresh.ok()) {
          prune(path, index, level);
          return Err(fresh.error());
        }
        node->set(slot, fresh.value());
      }
      node = static_cast<Node*>(node->slots[slot]);
    }
    ASSERT(node->slots[slot_of(index, 1)] == nullptr);
    node->set(slot_of(index, 1), item);
    size_++;
    return {};
  }

  /// What was there, or null.
  T* erase(u64 index) {
    if (!in_reach(index) || root_ == nullptr) {
      return nullptr;
    }
    Node* path[kMaxHeight + 1] = {};
    void* at = root_;
    for (unsigned level = height_; level > 0; level--) {
      path[level] = static_cast<Node*>(at);
      at = path[level]->slots[slot_of(index, level)];
      if (at == nullptr) {
        return nullptr;
      }
    }
    size_--;
    if (height_ == 0) {
      root_ = nullptr;
    } else {
      path[1]->clear(slot_of(index, 1));
      prune(path, index, 1);
    }
    return static_cast<T*>(at);
  }

  struct Entry {
    u64 index = 0;
    T* item = nullptr;  ///< null: none left
  };
  /// The first entry at or after `from`.
  Entry next(u64 from) const {
    if (root_ == nullptr || !in_reach(from)) {
      return {};
    }
    if (height_ == 0) {
      return {0, static_cast<T*>(root_)};
    }
    return next_in(static_cast<Node*>(root_), height_, 0, from);
  }

  /// Swaps the item at `index`, which must be there.
  void replace(u64 index, T* item) {
    void** at = &root_;
    for (unsigned level = height_; level > 0; level--) {
      ASSERT(*at != nullptr);
      at = &static_cast<Node*>(*at)->slots[slot_of(index, level)];
    }
    ASSERT(*at != nullptr);
    *at = item;
  }

 private:
  static constexpr unsigned kBits = 6;
  static constexpr unsigned kSlots = 1U << kBits;
  static constexpr unsigned kMaxHeight = (64 + kBits - 1) / kBits;

  struct Node {
    u64 used = 0;
    void* slots[kSlots] = {};

    void set(unsigned slot, void* item) {
      slots[slot] = item;
      used |= u64{1} << slot;
    }
    void clear(unsigned slot) {
      slots[slot] = nullptr;
      used &= ~(u64{1} << slot);
    }
  };

  static unsigned slot_of(u64 index, unsigned level) {
    return static_cast<unsigned>(index >> (kBits * (level - 1))) & (kSlots - 1);
  }
  bool in_reach(u64 index) const { return height_ == kMaxHeight || (index >> (kBits * height_)) == 0; }

  static KResult<Node*> make_node() {
    Node* const node = new (std::nothrow) Node;
    if (node == nullptr) {
      return Err(Errno::kENOMEM);
    }
    return node;
  }

  /// One level more; what was there is at number 0 of the new root.
  KResult<void> grow() {
    if (root_ != nullptr) {
      Node* const node = TRY(make_node());
      node->set(0, root_);
      root_ = node;
    }
    height_++;
    return {};
  }

  /// Frees the nodes on the way to `index` that have become empty, from `level` up.
  void prune(Node* const* path, u64 index, unsigned level) {
    for (; level <= height_ && path[level]->used == 0; level++) {
      delete path[level];
      if (level == height_) {
        root_ = nullptr;
      } else {
        path[level + 1]->clear(slot_of(index, level + 1));
      }
    }
    if (root_ == nullptr) {
      height_ = 0;
    }
  }

  /// `base`: the number of the node's first entry.
  static Entry next_in(const Node* node, unsigned level, u64 base, u64 from) {
    const unsigned shift = kBits * (level - 1);
    const unsigned first = from <= base ? 0 : slot_of(from, level);
    u64 candidates = node->used & (~u64{0} << first);
    while (candidates != 0) {
      const unsigned slot = static_cast<unsigned>(std::countr_zero(candidates));
      const u64 start = base + (u64{slot} << shift);
      if (level == 1) {
        return {start, static_cast<T*>(node->slots[slot])};
      }
      const Entry entry = next_in(static_cast<const Node*>(node->slots[slot]), level - 1, start, from);
      if (entry.item != nullptr) {
        return entry;
      }
      candidates &= candidates - 1;
    }
    return {};
  }

  void* root_ = nullptr;
  unsigned height_ = 0;
  usize size_ = 0;
};

}  // namespace kernel
