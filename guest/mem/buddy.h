// BuddyAllocator: free blocks of 2^order frames, split and merged with their buddies.
//
// Invariant: a free block is aligned to its size in physical memory, its head alone carries
// kFrameFreeHead and the order, and no two free buddies of one order stand side by side.
#pragma once

#include "guest/mem/frame.h"

namespace kernel {

class BuddyAllocator {
 public:
  /// Null when no block is large enough.
  Frame* allocate(unsigned order);
  /// `head` is the first frame of a block of 2^order frames.
  void free(Frame* head, unsigned order);
  /// Frees frames [first, first + count) of the frame table, touching the heads of blocks only.
  void free_range(u64 first, u64 count);

 private:
  void insert(Frame* head, unsigned order);
  void take_out(Frame* head, unsigned order);
  Frame* buddy_of(const Frame* head, unsigned order) const;

  FrameList free_[kMaxOrder + 1];
  u32 nonempty_orders_ = 0;
};

}  // namespace kernel
