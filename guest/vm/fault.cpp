// Page faults: what is wanted, what is there, and what makes the two meet.
//
// Invariants kept here: a frame that several address spaces hold privately is mapped read-only in all of
// them; a page that is mapped shared and writable is dirty in its cache. Nothing between the last look at
// a page and its mapping sleeps, so what was looked at is what gets mapped.

#include "guest/fs/reclaim.h"
#include "guest/lib/memory_ops.h"
#include "guest/vm/address_space.h"
#include "guest/vm/events.h"
#include "guest/vm/leaf.h"

namespace kernel {

namespace {

u32 (*g_current_pid)() = nullptr;

/// Bytes that were written as data are about to be executed (FENCE.I, Unprivileged ISA, chapter 5).
void sync_instruction_fetch() {
#if !__STDC_HOSTED__
  asm volatile("fence.i" ::: "memory");
#endif
}

FaultAnswer failed(Errno error) {
  return {error == Errno::kENOMEM ? FaultKind::k_oom : FaultKind::k_bus_adrerr, 0};
}

bool is_private_writable(const Vma& vma) { return !vma.shared() && (vma.prot & kProtWrite) != 0; }

}  // namespace

void set_current_pid(u32 (*current_pid)()) { g_current_pid = current_pid; }
u32 event_pid() { return g_current_pid != nullptr ? g_current_pid() : 0; }

FaultAnswer AddressSpace::handle_fault(VirtAddr address, Access access, FaultOrigin origin) {
  MutexGuard guard(lock_);
  const Vma* vma = nullptr;
  FaultAnswer answer = fault_locked(address, access, vma);
  if (!answer.ok() && origin == FaultOrigin::kUserCopy) {
    answer.kind = FaultKind::k_efault;
  }
  note(answer);
  emit_page_fault(address, access, answer.kind, vma, answer.pfn);
  return answer;
}

void AddressSpace::note(FaultAnswer answer) {
  counters_.major_faults += answer.kind == FaultKind::k_file_major;
  counters_.minor_faults += answer.minor();
  counters_.zero_faults += answer.kind == FaultKind::k_zero_page;
  counters_.cow_copies += answer.kind == FaultKind::k_cow_copy;
  counters_.cow_reuses += answer.kind == FaultKind::k_cow_reuse;
}

/// `found` is the VMA that holds the address, for the event; null when there is none.
FaultAnswer AddressSpace::fault_locked(VirtAddr address, Access access, const Vma*& found) {
  Vma* const vma = find_from(address);
  if (vma == nullptr || (vma->start > address && !grow_stack(*vma, address))) {
    return {FaultKind::k_segv_maperr, 0};
  }
  found = vma;
  if (!vma->allows(access)) {
    return {FaultKind::k_segv_accerr, 0};
  }
  return give_page(*vma, VirtAddr(align_down(address.value, kPageBytes)), access);
}

/// Extends a MAP_GROWSDOWN mapping down to the address, if limits and the neighbour below leave room.
bool AddressSpace::grow_stack(Vma& vma, VirtAddr address) {
  if (!vma.has(kVmaGrowsDown) || address < kUserLowest) {
    return false;
  }
  const VirtAddr start(align_down(address.value, kPageBytes));
  const u64 pages = (vma.start - start) >> kPageShift;
  const Vma* const below = previous(vma);
  // The guard gap protects what is accessible; a PROT_NONE mapping below is a guard itself.
  if (below != nullptr && below->end > start) {
    return false;
  }
  if (below != nullptr && below->prot != kProtNone && !below->has(kVmaGrowsDown) &&
      start - below->end < kStackGuardBytes) {
    return false;
  }
  if (vma.end - start > limits_.stack || !check_growth(pages, vma.prot, vma.flags).ok() ||
      (vma.has(kVmaLocked) && !check_locking(pages).ok()) ||
      (vma.has(kVmaAccounted) && !commit(pages).ok())) {
    return false;
  }
  set_bounds(vma, start, vma.end);
  return true;
}

/// One look at what is there, and its answer; EAGAIN when that changed meanwhile.
KResult<FaultAnswer> AddressSpace::answer_fault(Vma& vma, VirtAddr page, Access access) {
  const Leaf leaf = table_.lookup(page);
  return leaf.valid()           ? fault_present(vma, page, access, leaf.pte)
         : vma.has(kVmaSpecial) ? fault_special(vma, page)
         : vma.file             ? fault_file(vma, page, access)
                                : fault_anonymous(vma, page, access);
}

/// The page becomes usable for `access`, which the VMA allows (or the caller overrides).
FaultAnswer AddressSpace::give_page(Vma& vma, VirtAddr page, Access access) {
  relieve_memory();
  for (;;) {
    auto answer = answer_fault(vma, page, access);
    if (!answer.ok() && answer.error() == Errno::kEAGAIN) {
      continue;  // truncated between finding the page and marking it: look again
    }
    if (!answer.ok() && answer.error() == Errno::kENOMEM && relieve_exhausted_memory()) {
      continue;
    }
    if (!answer.ok()) {
      return failed(answer.error());
    }
    if ((vma.prot & kProtExec) != 0) {
      sync_instruction_fetch();
    }
    return std::move(answer).value();
  }
}

KResult<FaultAnswer> AddressSpace::fault_anonymous(Vma& vma, VirtAddr page, Access access) {
  if (access != Access::kWrite) {
    const u64 pfn = frame_pfn(zero_frame());
    TRY(install(vma, page, FrameRef::share(zero_frame()), false));
    return FaultAnswer{FaultKind::k_zero_page, pfn};
  }
  FrameRef frame = FrameRef::adopt(TRY(alloc_frame(ZeroIt::kYes, FrameUse::kAnon)));
  const u64 pfn = frame_pfn(frame.get());
  TRY(install(vma, page, std::move(frame), is_private_writable(vma)));
  prepare_anon(vma);
  return FaultAnswer{FaultKind::k_anon, pfn};
}

KResult<FaultAnswer> AddressSpace::fault_special(Vma& vma, VirtAddr page) {
  Frame* const frame = vma.special->frames[(page - vma.start + (vma.file_page << kPageShift)) >> kPageShift];
  if (frame == nullptr) {
    return Err(Errno::kENXIO);
  }
  if (vma.has(kVmaPfnMap)) {
    TRY(table_.map(page, frame_address(frame), leaf_flags(vma.prot, false) | kPteDevice));
  } else {
    TRY(install(vma, page, FrameRef::share(frame), false));
  }
  return FaultAnswer{FaultKind::k_file_minor, frame_pfn(frame)};
}

KResult<FaultAnswer> AddressSpace::fault_file(Vma& vma, VirtAddr page, Access access) {
  File& file = *vma.file;
  const u64 index = vma.page_of(page);
  FaultPage found = TRY(file.operations().fault(file, index, access));
  const bool wants_write = access == Access::kWrite;
  if (vma.has(kVmaDevice)) {
    return install_device_page(vma, page, std::move(found));
  }
  const FaultKind kind = found.major ? FaultKind::k_file_major : FaultKind::k_file_minor;
  if (!vma.shared() && wants_write) {
    // The pin is this fault's own, not a sharer.
    FrameRef copy = TRY(copy_of(vma, page, *found.frame.get(), 1));
    const u64 pfn = frame_pfn(copy.get());
    TRY(install(vma, page, std::move(copy), is_private_writable(vma)));
    return FaultAnswer{found.major ? kind : FaultKind::k_cow_copy, pfn};
  }
  const u64 pfn = frame_pfn(found.frame.get());
  const bool may_write = vma.shared() && (vma.prot & kProtWrite) != 0;
  const bool clean = (found.frame->flags & kFrameDirty) == 0;
  if (may_write && wants_write && clean) {
    TRY(file.operations().page_mkwrite(file, index, *found.frame.get()));
  }
  // What is dirty already may be written without asking again.
  const bool writable = may_write && (found.writable || (found.frame->flags & kFrameDirty) != 0);
  const bool cached = found.frame->mapping != nullptr && found.frame->mapping == vma.cache();
  TRY(install(vma, page, std::move(found.frame), writable));
  if (!wants_write && cached) {
    map_around(vma, page);
  }
  return FaultAnswer{wants_write && clean && !found.major ? FaultKind::k_mkwrite : kind, pfn};
}

/// What a driver's own fault() gave: as writable as the VMA, since nobody asks to hear of the first write.
KResult<FaultAnswer> AddressSpace::install_device_page(const Vma& vma, VirtAddr page, FaultPage found) {
  const bool writable = (vma.prot & kProtWrite) != 0;
  if (found.frame) {
    found.address = frame_address(found.frame.get());
    TRY(install(vma, page, std::move(found.frame), writable));
  } else {
    TRY(table_.map(page, found.address, leaf_flags(vma.prot, writable) | kPteDevice));
  }
  return FaultAnswer{FaultKind::k_file_minor, found.address.value >> kPageShift};
}

/// A page is there, but the hart would not have it: forbidden, or only a stale or incomplete entry.
KResult<FaultAnswer> AddressSpace::fault_present(Vma& vma, VirtAddr page, Access access, Pte pte) {
  if (!leaf_allows(pte, access)) {
    if (access == Access::kWrite) {
      return vma.shared() ? make_shared_writable(vma, page, pte) : copy_on_write(vma, page, pte);
    }
    // The VMA allows it and the leaf does not: only a leaf that was kept from before an mprotect could.
    exchange_leaf(page, pte.address(), leaf_flags(vma.prot, pte.has(kPteWrite)) | (pte.flags() & kPteDevice));
    return FaultAnswer{FaultKind::k_spurious, pte.ppn()};
  }
  const u64 wanted = kPteAccessed | (access == Access::kWrite ? u64{kPteDirty} : 0);
  const bool bits_missing = !pte.has(wanted);
  exchange_leaf(page, pte.address(), pte.flags() & kPteLasting);
  return FaultAnswer{bits_missing ? FaultKind::k_access_bits : FaultKind::k_spurious, pte.ppn()};
}

KResult<FaultAnswer> AddressSpace::make_shared_writable(Vma& vma, VirtAddr page, Pte pte) {
  Frame* const frame = frame_of(pte);
  if (frame != nullptr && vma.file && !vma.has(kVmaDevice)) {
    const FrameRef pin = FrameRef::share(frame);
    TRY(vma.file->operations().page_mkwrite(*vma.file, vma.page_of(page), *frame));
  }
  exchange_leaf(page, pte.address(),
                leaf_flags(vma.prot, (vma.prot & kProtWrite) != 0) | (pte.flags() & kPteDevice));
  return FaultAnswer{FaultKind::k_mkwrite, pte.ppn()};
}

KResult<FaultAnswer> AddressSpace::copy_on_write(Vma& vma, VirtAddr page, Pte pte) {
  Frame* const old = frame_of(pte);
  if (old == nullptr) {
    return Err(Errno::kEFAULT);  // device memory is never private and writable
  }
  const u64 flags = leaf_flags(vma.prot, is_private_writable(vma));
  if (old->use == FrameUse::kAnon && old->references == 1) {
    exchange_leaf(page, pte.address(), flags);
    return FaultAnswer{FaultKind::k_cow_reuse, pte.ppn()};
  }
  FrameRef fresh;
  const bool was_zero = old == zero_frame();
  if (was_zero) {
    fresh = FrameRef::adopt(TRY(alloc_frame(ZeroIt::kYes, FrameUse::kAnon)));
    prepare_anon(vma);
  } else {
    fresh = TRY(copy_of(vma, page, *old, 0));
  }
  const u64 pfn = frame_pfn(fresh.get());
  drop_leaf(vma, pte);
  count_page(vma, *fresh.get(), 1);
  exchange_leaf(page, frame_address(fresh.release()), flags);
  return FaultAnswer{was_zero ? FaultKind::k_anon : FaultKind::k_cow_copy, pfn};
}

/// A private copy of `original`, which loses the leaf at `page` if it has one there. `own_references` of its
/// count are the caller's passing pins.
KResult<FrameRef> AddressSpace::copy_of(Vma& vma, VirtAddr page, Frame& original, u32 own_references) {
  FrameRef copy = FrameRef::adopt(TRY(alloc_frame(ZeroIt::kNo, FrameUse::kAnon)));
  copy_page(copy.data(), frame_data(&original));
  prepare_anon(vma);
  const u32 sharers = original.references - own_references;
  const u32 leaving = own_references == 0 ? 1 : 0;
  emit_cow(page, frame_pfn(&original), frame_pfn(copy.get()), sharers, sharers - leaving);
  return copy;
}

}  // namespace kernel
