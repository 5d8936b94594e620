// fork(2): a copy of the address space that shares every page until somebody writes.

#include "guest/vm/address_space.h"
#include "guest/vm/leaf.h"

namespace kernel {

KResult<RefPtr<AddressSpace>> AddressSpace::fork() {
  MutexGuard guard(lock_);
  RefPtr<AddressSpace> child = TRY(create(limits_));
  child->mmap_top_ = mmap_top_;
  child->heap_start_ = heap_start_;
  child->heap_end_ = heap_end_;
  child->stack_top_ = stack_top_;
  TRY(copy_to(*child));  // on failure the child's end takes back what was copied
  return child;
}

KResult<void> AddressSpace::copy_to(AddressSpace& child) {
  for (VmaRange* at = vmas_.first(); at != nullptr; at = VmaSet::next(*at)) {
    const Vma& vma = *as_vma(at);
    if (vma.has(kVmaDontFork)) {
      continue;
    }
    if (vma.has(kVmaAccounted)) {
      TRY(commit(vma.pages()));
    }
    UniquePtr<Vma> copy = TRY(child.make_like(vma, {vma.start, vma.end}));
    copy->flags &= ~u32{kVmaLocked | kVmaLockOnFault};  // mlock(2): not inherited
    const bool wipe = vma.has(kVmaWipeOnFork);
    if (wipe || !vma.has(kVmaHasAnon)) {
      copy->flags &= ~kVmaStickyFlags;
      copy->anon_id = 0;
    } else {
      copy->flags |= kVmaAnonForked;
      copy->anon_id = new_anon_id();
    }
    Vma& child_vma = *copy;
    child.attach(std::move(copy));
    // Pages that the file, or nothing, can give again are left to the child's own faults.
    if (vma.has(kVmaHasAnon) && !wipe) {
      TRY(copy_pages(vma, child, child_vma));
    } else if (vma.has(kVmaPfnMap)) {
      TRY(child.table_.copy_range(table_, vma.start, vma.end, [](VirtAddr, Pte pte) {
        return PageTable::CopiedLeaf{pte, pte};  // shared, and not to be had by a fault
      }));
    }
  }
  return {};
}

/// Both sides keep the pages, read-only: the first write by either copies.
KResult<void> AddressSpace::copy_pages(const Vma& vma, AddressSpace& child, const Vma& child_vma) {
  auto copy = [&](VirtAddr, Pte pte) {
    const Pte read_only{pte.raw & ~u64{kPteWrite}};
    if (Frame* const frame = frame_of(pte); frame != nullptr) {
      get_frame(frame);
      child.count_page(child_vma, *frame, 1);
    }
    // The child has not used it yet.
    return PageTable::CopiedLeaf{read_only, Pte{read_only.raw & ~u64{kPteAccessed}}};
  };
  for (VirtAddr at = vma.start; (at = TRY(child.table_.copy_part(table_, at, vma.end, copy))) < vma.end;) {
    TRY(give_way());
  }
  return {};
}

}  // namespace kernel
