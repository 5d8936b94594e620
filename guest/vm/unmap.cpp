// munmap(2), and the end of an address space.

#include "guest/vm/address_space.h"
#include "guest/vm/events.h"

namespace kernel {

KResult<void> AddressSpace::unmap(VirtAddr start, u64 bytes) {
  if (!is_aligned(start.value, kPageBytes) || bytes == 0 || start > kUserTop || bytes > kUserTop - start) {
    return Err(Errno::kEINVAL);
  }
  MutexGuard guard(lock_);
  return unmap_locked({start, start + align_up(bytes, kPageBytes)});
}

/// Nothing is mapped in the range afterwards. ENOMEM when a split would exceed the number of VMAs.
KResult<void> AddressSpace::unmap_locked(Range range) {
  if (!vmas_.overlaps(range.start, range.end)) {
    return {};
  }
  TRY(split_at_bounds(range));
  remove_vmas(range);
  trim_tables(range);
  emit_munmap(range.start, range.end);
  return {};
}

/// VMAs lie inside the range, or outside.
void AddressSpace::remove_vmas(Range range) {
  Vma* vma = find_from(range.start);
  while (vma != nullptr && vma->start < range.end) {
    Vma* const after = next(*vma);
    zap_in_turns(*vma, {vma->start, vma->end});
    detach(*vma);
    vma = after;
  }
}

void AddressSpace::clear() {
  MutexGuard guard(lock_);
  remove_vmas({VirtAddr(0), kUserTop});
  ASSERT(vmas_.empty() && counters_.rss() == 0);
  while (!table_.destroy_part()) {
    (void)give_way();
  }
}

}  // namespace kernel
