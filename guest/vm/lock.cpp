// mlock(2) and its family. Nothing is ever paged out, so locking is giving the pages at once, and counting.

#include "guest/vm/address_space.h"

namespace kernel {

namespace {
constexpr u32 kLockFlags = kVmaLocked | kVmaLockOnFault;
}

KResult<void> AddressSpace::lock_range(VirtAddr start, u64 bytes, bool on_fault) {
  const VirtAddr first(align_down(start.value, kPageBytes));
  const VirtAddr end(align_up(start.value + bytes, kPageBytes));
  if (start.value + bytes < start.value || end < first) {
    return Err(Errno::kEINVAL);
  }
  MutexGuard guard(lock_);
  if (limits_.locked == 0 && !limits_.may_exceed_locked) {
    return Err(Errno::kEPERM);
  }
  if (bytes == 0) {
    return {};
  }
  if (!check_locking((end - first) >> kPageShift).ok()) {
    return Err(Errno::kENOMEM);
  }
  TRY(change_lock({first, end}, on_fault ? kLockFlags : u32{kVmaLocked}));
  if (!on_fault) {
    populate({first, end});
  }
  return {};
}

KResult<void> AddressSpace::unlock_range(VirtAddr start, u64 bytes) {
  const VirtAddr first(align_down(start.value, kPageBytes));
  const VirtAddr end(align_up(start.value + bytes, kPageBytes));
  if (start.value + bytes < start.value || end < first) {
    return Err(Errno::kEINVAL);
  }
  if (bytes == 0) {
    return {};
  }
  MutexGuard guard(lock_);
  return change_lock({first, end}, 0);
}

KResult<void> AddressSpace::change_lock(Range range, u32 lock_flags) {
  if (range.end > kUserTop) {
    return Err(Errno::kENOMEM);
  }
  TRY(require_mapped(range));
  return set_vma_flags(range, lock_flags, kLockFlags & ~lock_flags);
}

KResult<void> AddressSpace::lock_all(u32 flags) {
  constexpr u32 kKnown = kMclCurrent | kMclFuture | kMclOnFault;
  if (flags == 0 || (flags & ~kKnown) != 0 || flags == kMclOnFault) {
    return Err(Errno::kEINVAL);
  }
  const u32 lock_flags = (flags & kMclOnFault) != 0 ? kLockFlags : u32{kVmaLocked};
  MutexGuard guard(lock_);
  if (!limits_.may_exceed_locked) {
    if (limits_.locked == 0) {
      return Err(Errno::kEPERM);
    }
    if ((flags & kMclCurrent) != 0 && counters_.total_pages > limits_.locked >> kPageShift) {
      return Err(Errno::kENOMEM);
    }
  }
  future_lock_flags_ = (flags & kMclFuture) != 0 ? lock_flags : 0;
  if ((flags & kMclCurrent) != 0) {
    TRY(set_vma_flags({VirtAddr(0), kUserTop}, lock_flags, kLockFlags & ~lock_flags));
    if ((flags & kMclOnFault) == 0) {
      populate({VirtAddr(0), kUserTop});
    }
  }
  return {};
}

KResult<void> AddressSpace::unlock_all() {
  MutexGuard guard(lock_);
  future_lock_flags_ = 0;
  return set_vma_flags({VirtAddr(0), kUserTop}, 0, kLockFlags);
}

}  // namespace kernel
