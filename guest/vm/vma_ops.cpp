// The set of VMAs of an address space, kept in step with reverse maps and counters.

#include <algorithm>

#include "guest/vm/address_space.h"

namespace kernel {

u64 AddressSpace::new_anon_id() {
  static u64 last = 0;
  return ++last;
}

KResult<UniquePtr<Vma>> AddressSpace::make_vma() { return try_make<Vma>(*this); }

/// Adds (`sign` 1) or takes away (-1) what a VMA counts for.
void AddressSpace::account(const Vma& vma, i64 sign) {
  const u64 pages = static_cast<u64>(sign) * vma.pages();
  counters_.total_pages += pages;
  counters_.peak_total_pages = std::max(counters_.peak_total_pages, counters_.total_pages);
  if (vma.has(kVmaGrowsDown)) {
    counters_.stack_pages += pages;
  } else if (!vma.shared() && (vma.prot & kProtWrite) != 0) {
    counters_.data_pages += pages;
  } else if ((vma.prot & (kProtExec | kProtWrite)) == kProtExec) {
    counters_.exec_pages += pages;
  }
  if (vma.has(kVmaLocked)) {
    counters_.locked_pages += pages;
  }
  if (vma.has(kVmaAccounted)) {
    counters_.committed_pages += pages;
    commit_state().committed_pages += pages;
  }
}

void AddressSpace::attach(UniquePtr<Vma> owned) {
  Vma& vma = *owned.release();
  vma.guard_bytes = vma.has(kVmaGrowsDown) ? kStackGuardBytes : 0;
  vmas_.insert(vma);
  account(vma, 1);
  if (PageCache* const cache = vma.cache(); cache != nullptr) {
    cache->add_mapping(vma, vma.file_page, vma.file_page + vma.pages() - 1);
    cache->writable_mappings += vma.has(kVmaShared | kVmaMayWrite);
  }
  if (vma.has(kVmaDevice)) {
    vma.file->operations().mapping_opened(*vma.file, vma.file_page);
  }
}

/// The pages of the VMA must be gone, or pass to another VMA.
UniquePtr<Vma> AddressSpace::detach(Vma& vma) {
  if (PageCache* const cache = vma.cache(); cache != nullptr) {
    cache->remove_mapping(vma);
    cache->writable_mappings -= vma.has(kVmaShared | kVmaMayWrite);
  }
  if (vma.has(kVmaDevice)) {
    vma.file->operations().mapping_closed(*vma.file, vma.file_page);
  }
  account(vma, -1);
  vmas_.erase(vma);
  return UniquePtr<Vma>(&vma);
}

void AddressSpace::set_bounds(Vma& vma, VirtAddr start, VirtAddr end) {
  PageCache* const cache = vma.cache();
  if (cache != nullptr) {
    cache->remove_mapping(vma);
  }
  account(vma, -1);
  vma.file_page += static_cast<u64>(static_cast<i64>(start - vma.start) >> kPageShift);
  vmas_.resize(vma, start, end);
  account(vma, 1);
  if (cache != nullptr) {
    cache->add_mapping(vma, vma.file_page, vma.file_page + vma.pages() - 1);
  }
}

/// A VMA of the same kind, in no set, for `range`.
KResult<UniquePtr<Vma>> AddressSpace::make_like(const Vma& vma, Range range) {
  UniquePtr<Vma> like = TRY(make_vma());
  like->start = range.start;
  like->end = range.end;
  like->prot = vma.prot;
  like->flags = vma.flags;
  like->file = vma.file;
  like->file_page = vma.file_page;
  like->special = vma.special;
  like->anon_id = vma.anon_id;
  return like;
}

/// Cuts in two; the result is the upper part. ENOMEM.
KResult<Vma*> AddressSpace::split(Vma& vma, VirtAddr at) {
  ASSERT(vma.start < at && at < vma.end);
  if (vmas_.size() >= kMaxVmas) {
    return Err(Errno::kENOMEM);
  }
  UniquePtr<Vma> upper = TRY(make_like(vma, {at, vma.end}));
  upper->file_page = vma.page_of(at);
  Vma* const result = upper.get();
  set_bounds(vma, vma.start, at);
  attach(std::move(upper));
  return result;
}

/// Afterwards no VMA crosses a bound of the range. ENOMEM leaves all as it was.
KResult<void> AddressSpace::split_at_bounds(Range range) {
  for (const VirtAddr bound : {range.start, range.end}) {
    Vma* const vma = find(bound);
    if (vma == nullptr || vma->start == bound) {
      continue;
    }
    if (const auto upper = split(*vma, bound); !upper.ok()) {
      merge_range(range);
      return Err(upper.error());
    }
  }
  return {};
}

/// Before the first page of its own. A neighbour that it could join but for the protection lends its
/// identity, so that they can once the protection is the same.
void AddressSpace::prepare_anon(Vma& vma) {
  if (vma.has(kVmaHasAnon)) {
    return;
  }
  const Vma* const after = next(vma);
  const Vma* const before = previous(vma);
  const auto lends = [](const Vma* other) { return other->anon_id != 0 && !other->has(kVmaAnonForked); };
  if (after != nullptr && vma.adjoins(*after) && lends(after)) {
    vma.anon_id = after->anon_id;
  } else if (before != nullptr && before->adjoins(vma) && lends(before)) {
    vma.anon_id = before->anon_id;
  } else {
    vma.anon_id = new_anon_id();
  }
  vma.flags |= kVmaHasAnon;
}

/// The heap stays a VMA of its own, also where it begins right behind the program's data (as on Linux).
bool AddressSpace::may_join(const Vma& below, const Vma& above) const {
  return below.continues_in(above) && above.start.value != align_up(heap_start_.value, kPageBytes);
}

/// Makes one VMA of it and equal neighbours; the result is the one that is left.
Vma& AddressSpace::merge_around(Vma& vma) {
  Vma* merged = &vma;
  if (Vma* const before = previous(vma); before != nullptr && may_join(*before, vma)) {
    const VirtAddr end = vma.end;
    before->take_anon(vma);
    detach(vma);
    set_bounds(*before, before->start, end);
    merged = before;
  }
  if (Vma* const after = next(*merged); after != nullptr && may_join(*merged, *after)) {
    const VirtAddr end = after->end;
    merged->take_anon(*after);
    detach(*after);
    set_bounds(*merged, merged->start, end);
  }
  return *merged;
}

/// Merges whatever can be in and around the range.
void AddressSpace::merge_range(Range range) {
  Vma* vma = find_from(range.start);
  while (vma != nullptr && vma->start <= range.end) {
    vma = next(merge_around(*vma));
  }
}

/// The end of what is mapped without a hole from `start` on; `start` itself when it is not mapped.
VirtAddr AddressSpace::end_of_mapped(VirtAddr start) const {
  VirtAddr reached = start;
  for (Vma* vma = find_from(start); vma != nullptr && vma->start <= reached; vma = next(*vma)) {
    reached = vma->end;
  }
  return reached;
}

}  // namespace kernel
