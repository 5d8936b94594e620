// mprotect(2).

#include <algorithm>

#include "guest/vm/address_space.h"
#include "guest/vm/leaf.h"

namespace kernel {

namespace {

constexpr u32 kMayBits = kVmaMayRead | kVmaMayWrite | kVmaMayExec;

/// PROT_* as kVmaMay* flags.
constexpr u32 may_flags(u32 prot) {
  return ((prot & kProtRead) != 0 ? u32{kVmaMayRead} : 0) |
         ((prot & kProtWrite) != 0 ? u32{kVmaMayWrite} : 0) |
         ((prot & kProtExec) != 0 ? u32{kVmaMayExec} : 0);
}

}  // namespace

KResult<void> AddressSpace::protect(VirtAddr start, u64 bytes, u32 prot) {
  constexpr u32 kProtSem = 0x8;  // accepted and without effect, as on Linux
  const bool grows_down = (prot & kProtGrowsDown) != 0;
  // The order of these checks is Linux'.
  if (!is_aligned(start.value, kPageBytes)) {
    return Err(Errno::kEINVAL);
  }
  if (bytes == 0) {
    return {};
  }
  const u64 rounded = align_up(bytes, kPageBytes);
  if (rounded < bytes || start.value + rounded <= start.value) {
    return Err(Errno::kENOMEM);
  }
  if ((prot & ~(kProtMask | kProtSem | kProtGrowsDown)) != 0) {
    return Err(Errno::kEINVAL);
  }
  if (start >= kUserTop) {
    return Err(Errno::kENOMEM);
  }
  prot &= kProtMask;
  // What lies behind user space is a hole like any other: found after the change of what comes before it.
  const bool ends_outside = rounded > kUserTop - start;
  Range range{start, ends_outside ? kUserTop : start + rounded};
  MutexGuard guard(lock_);
  Vma* vma = find_from(range.start);
  if (vma == nullptr || vma->start >= range.end) {
    return Err(Errno::kENOMEM);
  }
  if (grows_down) {
    if (!vma->has(kVmaGrowsDown)) {
      return Err(Errno::kEINVAL);
    }
    range.start = vma->start;
  } else if (vma->start > range.start) {
    return Err(Errno::kENOMEM);
  }
  // VMA by VMA, so that what lies before a hole or a refusal is changed, as documented.
  KResult<void> (*const merge_and_return)(AddressSpace&, Range, Errno) = [](AddressSpace& space, Range r,
                                                                            Errno e) {
    space.merge_range(r);
    return KResult<void>(Err(e));
  };
  VirtAddr reached = range.start;
  while (reached < range.end) {
    vma = find(reached);
    if (vma == nullptr) {
      return merge_and_return(*this, range, Errno::kENOMEM);
    }
    if (vma->start < reached) {
      const auto upper = split(*vma, reached);
      if (!upper.ok()) {
        return merge_and_return(*this, range, upper.error());
      }
      vma = upper.value();
    }
    if (vma->end > range.end) {
      const auto upper = split(*vma, range.end);
      if (!upper.ok()) {
        return merge_and_return(*this, range, upper.error());
      }
    }
    reached = vma->end;
    const auto changed = protect_vma(*vma, prot);
    if (!changed.ok()) {
      return merge_and_return(*this, range, changed.error());
    }
  }
  merge_range(range);
  return ends_outside ? KResult<void>(Err(Errno::kENOMEM)) : KResult<void>();
}

KResult<void> AddressSpace::protect_vma(Vma& vma, u32 prot) {
  if ((may_flags(prot) & ~vma.flags & kMayBits) != 0) {
    return Err(Errno::kEACCES);
  }
  if (prot == vma.prot) {
    return {};
  }
  const bool becomes_data = (prot & kProtWrite) != 0 && (vma.prot & kProtWrite) == 0 && !vma.shared();
  u32 flags = vma.flags;
  if (becomes_data) {
    if (counters_.data_pages + vma.pages() > limits_.data >> kPageShift) {
      return Err(Errno::kENOMEM);
    }
    if (!vma.has(kVmaAccounted) && !vma.has(kVmaNoReserve)) {
      TRY(commit(vma.pages()));
      flags |= kVmaAccounted;
    }
  }
  account(vma, -1);
  vma.prot = prot;
  vma.flags = flags;
  account(vma, 1);
  update_protection(vma);
  return {};
}

/// Brings the leaves in line with the VMA. Write permission stays, or comes where nobody has to be asked: a
/// private page that is not shared with anyone.
void AddressSpace::update_protection(Vma& vma) {
  const bool may_write = (vma.prot & kProtWrite) != 0;
  table_.update_range(vma.start, vma.end, [&](VirtAddr, Pte pte) {
    const Frame* const frame = frame_of(pte);
    const bool sole_owner =
        !vma.shared() && frame != nullptr && frame->use == FrameUse::kAnon && frame->references == 1;
    const bool writable = may_write && (pte.has(kPteWrite) || sole_owner);
    u64 flags = leaf_flags(vma.prot, writable) | (pte.flags() & (kPteAccessed | kPteDirty)) | kPteValid;
    flags |= writable ? u64{kPteDirty} : 0;
    return Pte::make(pte.address(), flags);
  });
}

}  // namespace kernel
