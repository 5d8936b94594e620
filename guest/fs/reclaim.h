// Memory pressure: pages of files that can be read again are given up, oldest first, before anything fails
// with ENOMEM.
//
// Invariants: on the list are pages of the cache alone, and while clean they can be read again; a page that
// somebody pins is not given up, nor one that a locked mapping has. Pages that a mapping shows are taken from
// it only at the places that call relieve_memory(): there nobody has an entry of a page table in hand. Lock:
// the frames' (today: no preemption); writing back sleeps, at those places too.
#pragma once

#include "guest/mem/frame.h"

namespace kernel {

enum class ReclaimFrom : u8 { kUnmapped, kMapped };

/// The page has entered its cache, or left it.
void add_reclaimable(Frame& frame);
void remove_reclaimable(Frame& frame);
/// Pages on the list: what may be given up, as far as it is clean.
usize reclaimable_pages();

/// Gives up to `wanted` pages, looking at `budget` of them at most. Never sleeps, allocates nothing.
usize reclaim_pages(usize wanted, usize budget, ReclaimFrom from);

/// Lets the frame allocator ask for pages that no mapping shows.
void init_reclaim();

/// No page is given up inside: the caller is changing what giving one up changes too.
class ReclaimPause : NonCopyable {
 public:
  ReclaimPause();
  ~ReclaimPause();
};

/// Some frames are kept free, so that who cannot wait finds them. Cheap while they are.
void relieve_memory();
/// After an ENOMEM: whether anything was given up, written to its store first if need be, so that trying
/// again makes sense.
bool relieve_exhausted_memory();

}  // namespace kernel
