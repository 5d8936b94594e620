// madvise(2), msync(2), mincore(2).

#include <algorithm>

#include "guest/fs/page_cache.h"
#include "guest/fs/reclaim.h"
#include "guest/vm/address_space.h"
#include "guest/vm/leaf.h"

namespace kernel {

namespace {

bool is_known(u32 advice) {
  switch (advice) {
    case kMadvNormal:
    case kMadvRandom:
    case kMadvSequential:
    case kMadvWillNeed:
    case kMadvDontNeed:
    case kMadvFree:
    case kMadvRemove:
    case kMadvDontFork:
    case kMadvDoFork:
    case kMadvMergeable:
    case kMadvUnmergeable:
    case kMadvHugePage:
    case kMadvNoHugePage:
    case kMadvDontDump:
    case kMadvDoDump:
    case kMadvWipeOnFork:
    case kMadvKeepOnFork:
    case kMadvCold:
    case kMadvPageOut:
    case kMadvPopulateRead:
    case kMadvPopulateWrite:
    case kMadvDontNeedLocked:
      return true;
    default:
      return false;
  }
}

/// Advice that is no more than flags of the VMA.
struct FlagChange {
  u32 advice;
  u32 set;
  u32 clear;
};
constexpr FlagChange kFlagChanges[] = {
    {kMadvNormal, 0, kVmaRandomRead | kVmaSequentialRead},
    {kMadvRandom, kVmaRandomRead, kVmaSequentialRead},
    {kMadvSequential, kVmaSequentialRead, kVmaRandomRead},
    {kMadvDontFork, kVmaDontFork, 0},
    {kMadvDoFork, 0, kVmaDontFork},
    {kMadvMergeable, kVmaMergeable, 0},
    {kMadvUnmergeable, 0, kVmaMergeable},
    {kMadvHugePage, kVmaHugePage, kVmaNoHugePage},
    {kMadvNoHugePage, kVmaNoHugePage, kVmaHugePage},
    {kMadvDontDump, kVmaDontDump, 0},
    {kMadvDoDump, 0, kVmaDontDump},
    {kMadvWipeOnFork, kVmaWipeOnFork, 0},
    {kMadvKeepOnFork, 0, kVmaWipeOnFork},
};

/// Reads pages [first, end) of the file, as many as memory has room for without them: more would take the
/// place of the first ones. Ends early when the thread must.
void read_ahead(PageCache& cache, u64 first, u64 end) {
  u64 room = memory_stats().free() + reclaimable_pages();
  u64 came_along = 0;  // pages before this one were read together
  // Reading sleeps and others have turns: the file may become shorter on the way.
  const auto is_in_file = [&](u64 page) { return page << kPageShift < cache.inode().size(); };
  for (u64 page = first; page < end && is_in_file(page) && room > 0; page++) {
    if (cache.peek(page) != nullptr) {
      room -= page < came_along ? 1 : 0;
      continue;
    }
    const bool many = room >= kReadWindowPages;
    if (!give_way().ok() || !cache.get(page, many ? ReadMore::kAround : ReadMore::kNothing).ok()) {
      return;
    }
    came_along = many ? align_down(page, kReadWindowPages) + kReadWindowPages : 0;
    room--;
  }
}

}  // namespace

KResult<void> AddressSpace::advise(VirtAddr start, u64 bytes, u32 advice) {
  if (!is_known(advice) || !is_aligned(start.value, kPageBytes)) {
    return Err(Errno::kEINVAL);
  }
  const u64 rounded = align_up(bytes, kPageBytes);
  if (rounded < bytes || start.value + rounded < start.value) {
    return Err(Errno::kEINVAL);
  }
  if (bytes == 0) {
    return {};
  }
  const Range range{start, std::min(start + rounded, kUserTop)};
  MutexGuard guard(lock_);
  if (advice == kMadvPopulateRead || advice == kMadvPopulateWrite) {
    return populate_strict({start, start + rounded},
                           advice == kMadvPopulateRead ? Access::kRead : Access::kWrite);
  }
  // Holes do not stop it, but are reported at the end.
  bool hole = start + rounded > kUserTop;
  VirtAddr reached = range.start;
  while (reached < range.end) {
    Vma* const vma = find_from(reached);
    if (vma == nullptr || vma->start >= range.end) {
      hole = true;
      break;
    }
    hole |= vma->start > reached;
    const Range part{std::max(reached, vma->start), std::min(range.end, vma->end)};
    reached = part.end;
    TRY(advise_vma(*vma, part, advice));
  }
  return hole ? KResult<void>(Err(Errno::kENOMEM)) : KResult<void>();
}

/// `range` lies inside the VMA, which may be split and merged by it.
KResult<void> AddressSpace::advise_vma(Vma& vma, Range range, u32 advice) {
  const bool private_anonymous = vma.anonymous() && !vma.shared();
  for (const FlagChange& change : kFlagChanges) {
    if (change.advice != advice) {
      continue;
    }
    const bool wipe = advice == kMadvWipeOnFork;
    if ((wipe && !private_anonymous) || (advice == kMadvDoFork && vma.has(kVmaSpecial)) ||
        ((advice == kMadvDoFork || advice == kMadvDoDump) && vma.has(kVmaPfnMap))) {
      return Err(Errno::kEINVAL);
    }
    return set_vma_flags(range, change.set, change.clear);
  }
  switch (advice) {
    case kMadvDontNeed:
    case kMadvDontNeedLocked:
      if (vma.has(kVmaSpecial) || vma.has(kVmaPfnMap) || (advice == kMadvDontNeed && vma.has(kVmaLocked))) {
        return Err(Errno::kEINVAL);
      }
      zap_in_turns(vma, range);
      return {};
    case kMadvFree:
      // Giving the pages up at once is one of the things that may happen to them later.
      if (!private_anonymous || vma.has(kVmaLocked)) {
        return Err(Errno::kEINVAL);
      }
      zap_in_turns(vma, range);
      return {};
    case kMadvRemove: {
      if (vma.has(kVmaLocked) || !vma.file || vma.cache() == nullptr) {
        return Err(Errno::kEINVAL);
      }
      if (!vma.has(kVmaShared | kVmaMayWrite)) {
        return Err(Errno::kEACCES);
      }
      Inode& inode = vma.file->inode();
      MutexGuard guard(inode.lock);
      return inode.allocate(kFallocPunchHole | kFallocKeepSize, vma.page_of(range.start) << kPageShift,
                            range.bytes());
    }
    case kMadvWillNeed:
      if (PageCache* const cache = vma.cache(); cache != nullptr && !vma.file->inode().lives_in_memory()) {
        read_ahead(*cache, vma.page_of(range.start), vma.page_of(range.end));
      }
      return {};
    default:  // kMadvCold, kMadvPageOut: hints to a reclaim that has nothing to choose from
      return vma.has(kVmaLocked) || vma.has(kVmaSpecial) || vma.has(kVmaPfnMap)
                 ? KResult<void>(Err(Errno::kEINVAL))
                 : KResult<void>();
  }
}

/// Changes flags of the VMAs in the range, which it covers without holes.
KResult<void> AddressSpace::set_vma_flags(Range range, u32 set, u32 clear) {
  TRY(split_at_bounds(range));
  for (Vma* vma = find_from(range.start); vma != nullptr && vma->start < range.end; vma = next(*vma)) {
    account(*vma, -1);
    vma->flags = (vma->flags & ~clear) | set;
    account(*vma, 1);
  }
  merge_range(range);
  return {};
}

KResult<void> AddressSpace::sync(VirtAddr start, u64 bytes, u32 flags) {
  if ((flags & ~u32{kMsAsync | kMsInvalidate | kMsSync}) != 0 || !is_aligned(start.value, kPageBytes) ||
      (flags & (kMsAsync | kMsSync)) == (kMsAsync | kMsSync)) {
    return Err(Errno::kEINVAL);
  }
  const u64 rounded = align_up(bytes, kPageBytes);  // wraps to nothing, as on Linux
  if (start.value + rounded < start.value) {
    return Err(Errno::kENOMEM);
  }
  const Range range{start, start + rounded};
  MutexGuard guard(lock_);
  bool hole = false;
  VirtAddr reached = range.start;
  while (reached < range.end) {
    Vma* const vma = find_from(reached);
    if (vma == nullptr || vma->start >= range.end) {
      return Err(Errno::kENOMEM);
    }
    hole |= vma->start > reached;
    const Range part{std::max(reached, vma->start), std::min(range.end, vma->end)};
    reached = part.end;
    if ((flags & kMsInvalidate) != 0 && vma->has(kVmaLocked)) {
      return Err(Errno::kEBUSY);
    }
    if ((flags & kMsSync) != 0 && vma->shared() && vma->cache() != nullptr) {
      TRY(vma->cache()->write_back(vma->page_of(part.start), vma->page_of(part.end) - 1));
    }
  }
  return hole ? KResult<void>(Err(Errno::kENOMEM)) : KResult<void>();
}

KResult<void> AddressSpace::residency(VirtAddr start, Span<u8> out) {
  if (!is_aligned(start.value, kPageBytes)) {
    return Err(Errno::kEINVAL);
  }
  const u64 bytes = out.size() << kPageShift;
  if (start > kUserTop || bytes > kUserTop - start) {
    return Err(Errno::kENOMEM);
  }
  const Range range{start, start + bytes};
  MutexGuard guard(lock_);
  if (end_of_mapped(range.start) < range.end) {
    return Err(Errno::kENOMEM);
  }
  std::fill(out.begin(), out.end(), u8{0});
  for (Vma* vma = find_from(range.start); vma != nullptr && vma->start < range.end; vma = next(*vma)) {
    const Range part{std::max(vma->start, range.start), std::min(vma->end, range.end)};
    u8* const at = &out[(part.start - range.start) >> kPageShift];
    table_.for_each_leaf(part.start, part.end,
                         [&](VirtAddr page, Pte) { at[(page - part.start) >> kPageShift] = 1; });
    if (const PageCache* const cache = vma->cache(); cache != nullptr) {
      const u64 first = vma->page_of(part.start);
      const u64 end = vma->page_of(part.end);
      for (auto page = cache->next_present(first); page.item != nullptr && page.index < end;
           page = cache->next_present(page.index + 1)) {
        at[page.index - first] = 1;
      }
    }
  }
  return {};
}

}  // namespace kernel
