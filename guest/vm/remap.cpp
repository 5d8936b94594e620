// mremap(2).

#include <algorithm>

#include "guest/vm/address_space.h"
#include "guest/vm/events.h"
#include "guest/vm/leaf.h"

namespace kernel {

KResult<VirtAddr> AddressSpace::remap(VirtAddr old_start, u64 old_bytes, u64 new_bytes, u32 flags,
                                      VirtAddr new_start) {
  const bool may_move = (flags & kMremapMayMove) != 0;
  const bool fixed = (flags & kMremapFixed) != 0;
  const bool keep_old = (flags & kMremapDontUnmap) != 0;
  if ((flags & ~u32{kMremapMayMove | kMremapFixed | kMremapDontUnmap}) != 0 ||
      ((fixed || keep_old) && !may_move) || !is_aligned(old_start.value, kPageBytes) || new_bytes == 0) {
    return Err(Errno::kEINVAL);
  }
  if (old_start > kUserTop || old_bytes > kUserTop - old_start || new_bytes > kUserTop.value) {
    return Err(Errno::kEINVAL);
  }
  old_bytes = align_up(old_bytes, kPageBytes);
  new_bytes = align_up(new_bytes, kPageBytes);
  if (keep_old && old_bytes != new_bytes) {
    return Err(Errno::kEINVAL);
  }
  const Range new_range{new_start, new_start + new_bytes};
  if (fixed) {
    const bool overlap = new_range.start < old_start + old_bytes && old_start < new_range.end;
    if (!is_aligned(new_start.value, kPageBytes) || new_start.value > kUserTop.value - new_bytes || overlap) {
      return Err(Errno::kEINVAL);
    }
  }
  MutexGuard guard(lock_);
  Vma* vma = find(old_start);
  if (vma == nullptr) {
    return Err(Errno::kEFAULT);
  }
  if (old_bytes == 0) {
    // A second mapping of the same shared pages; only a shared object can be mapped twice.
    if (!vma->shared() || !may_move) {
      return Err(Errno::kEINVAL);
    }
  }
  if ((vma->has(kVmaSpecial) || vma->has(kVmaPfnMap)) && (new_bytes > old_bytes || keep_old)) {
    return Err(keep_old ? Errno::kEINVAL : Errno::kEFAULT);
  }
  if (fixed) {
    TRY(unmap_locked(new_range));
  }
  if (new_bytes < old_bytes) {
    TRY(unmap_locked({old_start + new_bytes, old_start + old_bytes}));
    old_bytes = new_bytes;
  }
  vma = find(old_start);  // what was unmapped may have cut it
  if (vma == nullptr || vma->end < old_start + old_bytes) {
    return Err(Errno::kEFAULT);  // the old range is more than one mapping
  }
  const Range old_range{old_start, old_start + old_bytes};
  if (fixed) {
    return move_vma(*vma, old_range, new_range, flags);
  }
  if (old_bytes == new_bytes && !keep_old) {
    return old_start;
  }
  return grow_or_move(*vma, old_range, new_bytes, flags);
}

/// To `new_bytes`: in place when nothing is in the way, else elsewhere if that is allowed.
KResult<VirtAddr> AddressSpace::grow_or_move(Vma& vma, Range old_range, u64 new_bytes, u32 flags) {
  const u64 growth = new_bytes - old_range.bytes();
  const VirtAddr new_end = old_range.start + new_bytes;
  const bool at_end = vma.end == old_range.end && old_range.bytes() != 0;
  if (at_end && growth != 0 && old_range.start.value <= kUserTop.value - new_bytes) {
    const VmaRange* const after = VmaSet::next(vma);
    if (after == nullptr || after->start >= new_end) {
      const u64 pages = growth >> kPageShift;
      TRY(check_growth(pages, vma.prot, vma.flags));
      if (vma.has(kVmaLocked) && !check_locking(pages).ok()) {
        return Err(Errno::kEAGAIN);
      }
      if (vma.has(kVmaAccounted)) {
        TRY(commit(pages));
      }
      set_bounds(vma, vma.start, new_end);
      const Vma& grown = merge_around(vma);
      if (grown.has(kVmaLocked) && !grown.has(kVmaLockOnFault)) {
        (void)populate({old_range.end, new_end});
      }
      return old_range.start;
    }
  }
  if ((flags & kMremapMayMove) == 0) {
    return Err(Errno::kENOMEM);
  }
  const VirtAddr start = TRY(find_free(new_bytes));
  return move_vma(vma, old_range, {start, start + new_bytes}, flags);
}

KResult<VirtAddr> AddressSpace::move_vma(Vma& whole, Range old_range, Range new_range, u32 flags) {
  const bool keep_old = (flags & kMremapDontUnmap) != 0;
  const bool duplicate = old_range.bytes() == 0;
  if (vmas_.size() + 3 > kMaxVmas) {
    return Err(Errno::kENOMEM);
  }
  const u64 pages = new_range.bytes() >> kPageShift;
  const u64 more = keep_old || duplicate ? pages : pages - (old_range.bytes() >> kPageShift);
  TRY(check_growth(more, whole.prot, whole.flags));
  if (whole.has(kVmaLocked) && !check_locking(more).ok()) {
    return Err(Errno::kEAGAIN);
  }
  if (whole.has(kVmaAccounted)) {
    TRY(commit(more));
  }
  // Cut out what moves first, so that nothing can fail once the pages have moved.
  ScopeExit mend([&] { merge_range(old_range); });
  if (!duplicate) {
    TRY(split_at_bounds(old_range));
  }
  Vma& vma = *find(old_range.start);
  UniquePtr<Vma> moved = TRY(make_like(vma, new_range));
  // Pages keep the place where they were written; memory without any is like new.
  const bool as_new = vma.anonymous() && !vma.has(kVmaHasAnon);
  moved->file_page = as_new ? new_range.start.value >> kPageShift : vma.page_of(old_range.start);
  const bool locked_now = moved->has(kVmaLocked) && !moved->has(kVmaLockOnFault);
  if (!duplicate) {
    TRY(move_pages(old_range, new_range.start));
  }
  mend.dismiss();
  attach(std::move(moved));
  emit_mmap(*find(new_range.start), kMapFixed);
  if (!duplicate && !keep_old) {
    // The pages have gone; what is left of the range is unmapped like any other.
    remove_vmas(old_range);
    trim_tables(old_range);
    emit_munmap(old_range.start, old_range.end);
  } else if (keep_old) {
    merge_range(old_range);
  }
  merge_range(new_range);
  if (locked_now) {
    (void)populate(new_range);
  }
  return new_range.start;
}

/// Leaves of `from` move to `to`. First every page gets a second leaf, which can fail and is undone; then the
/// old leaves go, in one sweep.
KResult<void> AddressSpace::move_pages(Range from, VirtAddr to) {
  bool failed = false;
  table_.for_each_leaf(from.start, from.end, [&](VirtAddr va, Pte pte) {
    if (failed) {
      return;
    }
    const u64 permissions = pte.flags() & kPteLasting;
    failed = !table_.map(to + (va - from.start), pte.address(), permissions).ok();
    if (Frame* const frame = frame_of(pte); frame != nullptr && !failed) {
      get_frame(frame);
    }
  });
  const Range doomed = failed ? Range{to, to + from.bytes()} : from;
  table_.update_range(doomed.start, doomed.end, [&](VirtAddr, Pte pte) {
    if (Frame* const frame = frame_of(pte); frame != nullptr) {
      put_frame(frame);
    }
    return Pte();
  });
  return failed ? KResult<void>(Err(Errno::kENOMEM)) : KResult<void>();
}

}  // namespace kernel
