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

/// Where the request ends, before anything is looked at, which may be behind user space. The order of the
/// checks is Linux'. EINVAL, ENOMEM.
KResult<VirtAddr> end_of_request(VirtAddr start, u64 bytes, u32 prot) {
  constexpr u32 kProtSem = 0x8;  // accepted and without effect, as on Linux
  if (!is_aligned(start.value, kPageBytes)) {
    return Err(Errno::kEINVAL);
  }
  if (bytes == 0) {
    return start;
  }
  const u64 rounded = align_up(bytes, kPageBytes);
  if (rounded < bytes || start.value + rounded <= start.value) {
    return Err(Errno::kENOMEM);
  }
  if ((prot & ~(kProtMask | kProtSem | kProtGrowsDown)) != 0) {
    return Err(Errno::kEINVAL);
  }
  return start + rounded;
}

}  // namespace

KResult<void> AddressSpace::protect(VirtAddr start, u64 bytes, u32 prot) {
  const VirtAddr end = TRY(end_of_request(start, bytes, prot));
  if (end == start) {
    return {};
  }
  MutexGuard guard(lock_);
  const Range range = TRY(range_to_protect(start, std::min(end, kUserTop), prot));
  // VMA by VMA, so that what lies before a hole or a refusal is changed, as documented.
  const ScopeExit merge([&] { merge_range(range); });
  for (VirtAddr reached = range.start; reached < range.end;) {
    Vma* const vma = TRY(cut_out(reached, range.end));
    reached = vma->end;
    TRY(protect_vma(*vma, prot & kProtMask));
  }
  // What lies behind user space is a hole like any other.
  return end > kUserTop ? KResult<void>(Err(Errno::kENOMEM)) : KResult<void>();
}

/// From what is mapped at `start`; with PROT_GROWSDOWN all of that. ENOMEM, EINVAL.
KResult<AddressSpace::Range> AddressSpace::range_to_protect(VirtAddr start, VirtAddr end, u32 prot) const {
  Vma* const first = find_from(start);
  if (first == nullptr || first->start >= end) {
    return Err(Errno::kENOMEM);
  }
  if ((prot & kProtGrowsDown) != 0) {
    return first->has(kVmaGrowsDown) ? KResult<Range>({first->start, end}) : Err(Errno::kEINVAL);
  }
  return first->start > start ? Err(Errno::kENOMEM) : KResult<Range>({start, end});
}

/// The VMA that holds `start`, split so that it begins there and does not go beyond `end`. ENOMEM.
KResult<Vma*> AddressSpace::cut_out(VirtAddr start, VirtAddr end) {
  Vma* vma = find(start);
  if (vma == nullptr) {
    return Err(Errno::kENOMEM);
  }
  if (vma->start < start) {
    vma = TRY(split(*vma, start));
  }
  if (vma->end > end) {
    TRY(split(*vma, end));
  }
  return vma;
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
  update_in_turns({vma.start, vma.end}, [&](VirtAddr, Pte pte) {
    const Frame* const frame = frame_of(pte);
    const bool sole_owner =
        !vma.shared() && frame != nullptr && frame->use == FrameUse::kAnon && frame->references == 1;
    const bool writable = may_write && (pte.has(kPteWrite) || sole_owner);
    u64 flags =
        leaf_flags(vma.prot, writable) | (pte.flags() & (kPteAccessed | kPteDirty | kPteDevice)) | kPteValid;
    flags |= writable ? u64{kPteDirty} : 0;
    return Pte::make(pte.address(), flags);
  });
}

}  // namespace kernel
