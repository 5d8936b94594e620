// AugmentedTree: an intrusive AVL tree whose nodes summarise their subtrees. Pure; tested on the host.
//
// Boost.Intrusive's trees cannot keep a summary through their rotations, and both users need one: the
// reverse map (largest end, for overlap queries) and the VMA set (largest gap, for placing). Traits say
// where the node is in its owner, the order, and how a summary follows from those of the children.
// Invariants: for each node the heights of its subtrees differ by at most one, and its summary is
// current. Equal keys are allowed; a later one goes right.
#pragma once

#include <algorithm>

#include "guest/lib/panic.h"

namespace kernel {

struct AugmentedNode {
  AugmentedNode* parent = nullptr;
  AugmentedNode* left = nullptr;
  AugmentedNode* right = nullptr;
  u32 height = 0;  ///< 1 for a leaf; 0: in no tree

  bool linked() const { return height != 0; }
};

template <class T, class Traits>
class AugmentedTree : NonCopyable {
 public:
  AugmentedTree() = default;
  ~AugmentedTree() { ASSERT(root_ == nullptr); }

  bool empty() const { return root_ == nullptr; }
  T* root() const { return owner(root_); }
  static T* left(T& item) { return owner(Traits::node(item).left); }
  static T* right(T& item) { return owner(Traits::node(item).right); }

  T* first() const { return owner(root_ == nullptr ? nullptr : leftmost(root_)); }
  T* last() const { return owner(root_ == nullptr ? nullptr : rightmost(root_)); }
  static T* next(T& item) {
    AugmentedNode* node = &Traits::node(item);
    if (node->right != nullptr) {
      return owner(leftmost(node->right));
    }
    while (node->parent != nullptr && node == node->parent->right) {
      node = node->parent;
    }
    return owner(node->parent);
  }
  static T* previous(T& item) {
    AugmentedNode* node = &Traits::node(item);
    if (node->left != nullptr) {
      return owner(rightmost(node->left));
    }
    while (node->parent != nullptr && node == node->parent->left) {
      node = node->parent;
    }
    return owner(node->parent);
  }

  void insert(T& item) {
    AugmentedNode* const node = &Traits::node(item);
    ASSERT(!node->linked());
    AugmentedNode* parent = nullptr;
    AugmentedNode** link = &root_;
    while (*link != nullptr) {
      parent = *link;
      link = Traits::less(item, *owner(parent)) ? &parent->left : &parent->right;
    }
    *node = AugmentedNode{parent, nullptr, nullptr, 1};
    *link = node;
    rebalance(node);
  }

  void erase(T& item) {
    AugmentedNode* const node = &Traits::node(item);
    ASSERT(node->linked());
    AugmentedNode* changed;  // the lowest node whose subtree is another than before
    if (node->left != nullptr && node->right != nullptr) {
      AugmentedNode* const heir = leftmost(node->right);
      changed = heir->parent == node ? heir : heir->parent;
      replace(heir, heir->right);
      heir->left = node->left;
      heir->right = node->right;  // null when the heir was the right child: replace() has moved it up
      heir->left->parent = heir;
      if (heir->right != nullptr) {
        heir->right->parent = heir;
      }
      replace(node, heir);
    } else {
      changed = node->parent;
      replace(node, node->left != nullptr ? node->left : node->right);
    }
    *node = AugmentedNode{};
    if (changed != nullptr) {
      rebalance(changed);
    }
  }

  /// The key or what the summary is made of has changed, the place in the order has not.
  void changed(T& item) {
    for (AugmentedNode* node = &Traits::node(item); node != nullptr; node = node->parent) {
      update(node);
    }
  }

  /// Panics when an invariant does not hold. For debug builds and tests.
  void check() const { check(root_, nullptr); }

 private:
  friend struct Description;
  static T* owner(AugmentedNode* node) { return node == nullptr ? nullptr : &Traits::owner(*node); }
  static AugmentedNode* leftmost(AugmentedNode* node) {
    while (node->left != nullptr) {
      node = node->left;
    }
    return node;
  }
  static AugmentedNode* rightmost(AugmentedNode* node) {
    while (node->right != nullptr) {
      node = node->right;
    }
    return node;
  }
  static u32 height(const AugmentedNode* node) { return node == nullptr ? 0 : node->height; }

  static void update(AugmentedNode* node) {
    node->height = 1 + std::max(height(node->left), height(node->right));
    Traits::update(Traits::owner(*node), owner(node->left), owner(node->right));
  }

  /// Puts `with` (may be null) into the place that `node` has under its parent.
  void replace(AugmentedNode* node, AugmentedNode* with) {
    AugmentedNode* const parent = node->parent;
    (parent == nullptr ? root_ : parent->left == node ? parent->left : parent->right) = with;
    if (with != nullptr) {
      with->parent = parent;
    }
  }

  /// Lifts the child on one side over its parent; returns it.
  AugmentedNode* rotate(AugmentedNode* top, AugmentedNode* AugmentedNode::*side,
                        AugmentedNode* AugmentedNode::*other) {
    AugmentedNode* const lifted = top->*side;
    replace(top, lifted);
    top->*side = lifted->*other;
    if (top->*side != nullptr) {
      (top->*side)->parent = top;
    }
    lifted->*other = top;
    top->parent = lifted;
    update(top);
    update(lifted);
    return lifted;
  }

  AugmentedNode* lift_heavy(AugmentedNode* top, AugmentedNode* AugmentedNode::*side,
                            AugmentedNode* AugmentedNode::*other) {
    if (height((top->*side)->*other) > height((top->*side)->*side)) {
      rotate(top->*side, other, side);
    }
    return rotate(top, side, other);
  }

  /// Restores balance and summaries from `node` up to the root.
  void rebalance(AugmentedNode* node) {
    while (node != nullptr) {
      if (height(node->left) > height(node->right) + 1) {
        node = lift_heavy(node, &AugmentedNode::left, &AugmentedNode::right);
      } else if (height(node->right) > height(node->left) + 1) {
        node = lift_heavy(node, &AugmentedNode::right, &AugmentedNode::left);
      } else {
        update(node);
      }
      node = node->parent;
    }
  }

  static void check(AugmentedNode* node, const AugmentedNode* parent) {
    if (node == nullptr) {
      return;
    }
    ASSERT(node->parent == parent);
    check(node->left, node);
    check(node->right, node);
    const u32 left = height(node->left);
    const u32 right = height(node->right);
    ASSERT(node->height == 1 + std::max(left, right));
    ASSERT(left <= right + 1 && right <= left + 1);
    ASSERT(node->left == nullptr || !Traits::less(*owner(node), *owner(node->left)));
    ASSERT(node->right == nullptr || !Traits::less(*owner(node->right), *owner(node)));
  }

  AugmentedNode* root_ = nullptr;
};

}  // namespace kernel
