// mlock(2) and its family. Nothing is ever paged out, so locking is giving the pages at once, and counting.

#include <algorithm>

#include "guest/vm/address_space.h"

namespace kernel {

namespace {
constexpr u32 kLockFlags = kVmaLocked | kVmaLockOnFault;
}

/// The pages that the bytes touch. Lengths that wrap when they are rounded come out empty, as on Linux.
/// EINVAL.
KResult<AddressSpace::Range> AddressSpace::whole_pages(VirtAddr start, u64 bytes) {
  const VirtAddr first(align_down(start.value, kPageBytes));
  const VirtAddr end = first + align_up(bytes + (start - first), kPageBytes);
  return end < first ? KResult<Range>(Err(Errno::kEINVAL)) : KResult<Range>({first, end});
}

KResult<void> AddressSpace::lock_range(VirtAddr start, u64 bytes, bool on_fault) {
  const Range range = TRY(whole_pages(start, bytes));
  MutexGuard guard(lock_);
  if (limits_.locked == 0 && !limits_.may_exceed_locked) {
    return Err(Errno::kEPERM);
  }
  if (range.bytes() == 0) {
    return {};
  }
  if (!check_locking(range.bytes() >> kPageShift).ok()) {
    return Err(Errno::kENOMEM);
  }
  TRY(change_lock(range, on_fault ? kLockFlags : u32{kVmaLocked}));
  if (on_fault) {
    return {};
  }
  // mlock(2): what could not be given is ENOMEM, and EAGAIN when memory was short.
  const auto given = populate(range);
  if (!given.ok()) {
    return Err(given.error() == Errno::kENOMEM ? Errno::kEAGAIN : Errno::kENOMEM);
  }
  return {};
}

KResult<void> AddressSpace::unlock_range(VirtAddr start, u64 bytes) {
  const Range range = TRY(whole_pages(start, bytes));
  if (range.bytes() == 0) {
    return {};
  }
  MutexGuard guard(lock_);
  return change_lock(range, 0);
}

/// Up to the first hole, which is ENOMEM; what comes before it is changed.
KResult<void> AddressSpace::change_lock(Range range, u32 lock_flags) {
  const VirtAddr mapped_end = end_of_mapped(range.start);
  const Range mapped{range.start, std::min(range.end, mapped_end)};
  if (mapped.start < mapped.end) {
    TRY(set_vma_flags(mapped, lock_flags, kLockFlags & ~lock_flags));
  }
  return mapped_end < range.end ? KResult<void>(Err(Errno::kENOMEM)) : KResult<void>();
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
      (void)populate({VirtAddr(0), kUserTop});  // mlockall(2) does not report it
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
