#include "guest/vm/check.h"

#include <algorithm>

#include "guest/mem/vmalloc.h"
#include "guest/vm/address_space.h"
#include "guest/vm/leaf.h"

namespace kernel {

/// Looks into address spaces on behalf of the checks.
class SpaceChecker {
 public:
  static void check_vmas(AddressSpace& space) {
    space.vmas_.check();
    Vma* before = nullptr;
    MemoryCounters sums;
    for (VmaRange* at = space.vmas_.first(); at != nullptr; at = VmaSet::next(*at)) {
      Vma& vma = *as_vma(at);
      ASSERT(&vma.space() == &space);
      ASSERT(before == nullptr || !space.may_join(*before, vma));
      if (PageCache* const cache = vma.cache(); cache != nullptr) {
        check_reverse_map(*cache, vma);
      }
      sums.total_pages += vma.pages();
      sums.locked_pages += vma.has(kVmaLocked) ? vma.pages() : 0;
      sums.committed_pages += vma.has(kVmaAccounted) ? vma.pages() : 0;
      check_leaves(space, vma, sums);
      before = &vma;
    }
    const MemoryCounters& counters = space.counters_;
    ASSERT(sums.total_pages == counters.total_pages && sums.locked_pages == counters.locked_pages);
    ASSERT(sums.committed_pages == counters.committed_pages);
    ASSERT(sums.rss_anon == counters.rss_anon && sums.rss_file == counters.rss_file);
    ASSERT(sums.rss_shmem == counters.rss_shmem);
    check_nothing_outside(space);
  }

  template <class Fn>
  static void for_each_leaf(const AddressSpace& space, Fn fn) {
    space.table_.for_each_leaf(VirtAddr(0), kUserTop, fn);
  }

 private:
  static void check_reverse_map(PageCache& cache, Vma& vma) {
    ASSERT(vma.first == vma.file_page && vma.last == vma.file_page + vma.pages() - 1);
    bool found = false;
    cache.for_each_mapping(vma.first, vma.last, [&](FileMapping& mapping) { found |= &mapping == &vma; });
    ASSERT(found);
  }

  static void check_leaves(AddressSpace& space, const Vma& vma, MemoryCounters& sums) {
    space.table_.for_each_leaf(vma.start, vma.end, [&](VirtAddr, Pte pte) {
      ASSERT(!pte.has(kPteWrite | kPteUser) || (vma.prot & kProtWrite) != 0);
      ASSERT(!pte.has(kPteExecute | kPteUser) || (vma.prot & kProtExec) != 0);
      const Frame* const frame = frame_of(pte);
      if (frame == nullptr) {
        return;
      }
      ASSERT(frame->references > 0);
      if (pte.has(kPteWrite)) {
        ASSERT(frame != zero_frame());
        // Private and writable: nobody else's. Shared and writable: dirty in its cache.
        ASSERT(vma.shared() || frame->use == FrameUse::kAnon);
        ASSERT(!vma.shared() || frame->use != FrameUse::kPageCache || (frame->flags & kFrameDirty) != 0);
      }
      sums.rss_anon += frame->use == FrameUse::kAnon;
      const bool cached = frame->use == FrameUse::kPageCache;
      sums.rss_shmem += cached && vma.shared();
      sums.rss_file += (cached && !vma.shared()) || is_resident_special(vma, *frame);
    });
  }

  /// No leaf without a VMA.
  static void check_nothing_outside(AddressSpace& space) {
    VirtAddr from(0);
    const auto none = [](VirtAddr, Pte) { ASSERT(false); };
    for (VmaRange* at = space.vmas_.first(); at != nullptr; at = VmaSet::next(*at)) {
      space.table_.for_each_leaf(from, at->start, none);
      from = at->end;
    }
    space.table_.for_each_leaf(from, kUserTop, none);
  }
};

void AddressSpace::check() {
  MutexGuard guard(lock_);
  SpaceChecker::check_vmas(*this);
}

KResult<void> check_memory(Pins pins) {
  VmallocArray<u32> counts;
  TRY(counts.create(frame_detail::g_frame_count, "check_memory"));
  for (AddressSpace& space : AddressSpace::all()) {
    space.check();
    SpaceChecker::for_each_leaf(space, [&](VirtAddr, Pte pte) {
      if (const Frame* const frame = frame_of(pte); frame != nullptr) {
        counts[frame_number(frame)]++;
      }
    });
  }
  for (u32 number = 0; number < counts.size(); number++) {
    const Frame& frame = frame_detail::g_frames[number];
    const bool cached = frame.use == FrameUse::kPageCache && frame.mapping != nullptr;
    if (cached) {
      ASSERT(static_cast<PageCache*>(frame.mapping)->find(frame.index).get() == &frame);
      counts[number]++;
    }
    if (frame.use == FrameUse::kAnon || frame.use == FrameUse::kPageCache) {
      ASSERT(frame.references >= counts[number]);
      ASSERT(pins == Pins::kSome || frame.references == counts[number]);
    } else if (frame.use == FrameUse::kFree) {
      ASSERT(counts[number] == 0);
    }
  }
  return {};
}

}  // namespace kernel
