// Memory of an address space that need not be the running one: exec, /proc/PID/mem, futex words.

#include <algorithm>
#include <cstring>

#include "guest/vm/address_space.h"
#include "guest/vm/leaf.h"

namespace kernel {

/// The frame behind a page, pinned and ready for the access; pages are given as a fault would. EFAULT,
/// ENOMEM.
KResult<FrameRef> AddressSpace::page_for(VirtAddr page, Access access, Force force) {
  while (true) {
    Vma* const vma = find(page);
    if (vma == nullptr) {
      return Err(Errno::kEFAULT);
    }
    const bool forced = force == Force::kYes && (access == Access::kRead || !vma->shared());
    if (!vma->allows(access) && !forced) {
      return Err(Errno::kEFAULT);
    }
    if (const Leaf leaf = table_.lookup(page); leaf.valid()) {
      Frame* const frame = frame_of(leaf.pte);
      if (frame == nullptr) {
        return Err(Errno::kEFAULT);
      }
      // A forced write needs a page of its own, but not a leaf that lets the program write too.
      const bool own = !vma->shared() && frame->use == FrameUse::kAnon && frame->references == 1;
      if (access == Access::kRead || leaf.pte.has(kPteWrite) || own) {
        return FrameRef::share(frame);
      }
    }
    if (const FaultAnswer answer = give_page(*vma, page, access); !answer.ok()) {
      return Err(answer.kind == FaultKind::k_oom ? Errno::kENOMEM : Errno::kEFAULT);
    }
  }
}

/// Calls `move(bytes in the kernel, offset so far, count)` for the part of each page in the range.
template <class Move>
KResult<void> AddressSpace::for_each_part(VirtAddr start, usize bytes, Access access, Force force,
                                          Move move) {
  if (start > kUserTop || bytes > kUserTop - start) {
    return Err(Errno::kEFAULT);
  }
  MutexGuard guard(lock_);
  usize done = 0;
  while (done < bytes) {
    const VirtAddr at = start + done;
    const u64 offset = at.value & (kPageBytes - 1);
    const usize part = std::min<usize>(kPageBytes - offset, bytes - done);
    const FrameRef frame = TRY(page_for(at - offset, access, force));
    move(frame.data() + offset, done, part);
    done += part;
  }
  return {};
}

KResult<void> AddressSpace::read(VirtAddr from, ByteSpan to, Force force) {
  return for_each_part(from, to.size(), Access::kRead, force,
                       [&](u8* bytes, usize done, usize part) { memcpy(to.data() + done, bytes, part); });
}

KResult<void> AddressSpace::write(VirtAddr to, ConstByteSpan from, Force force) {
  return for_each_part(to, from.size(), Access::kWrite, force,
                       [&](u8* bytes, usize done, usize part) { memcpy(bytes, from.data() + done, part); });
}

KResult<AddressSpace::WordKey> AddressSpace::shared_word_key(VirtAddr address) {
  MutexGuard guard(lock_);
  const VirtAddr page(align_down(address.value, kPageBytes));
  Vma* const vma = find(address);
  if (vma == nullptr || vma->prot == kProtNone) {
    return Err(Errno::kEFAULT);
  }
  if (!vma->shared()) {
    return WordKey{this, address.value};
  }
  if (vma->has(kVmaDevice)) {
    return Err(Errno::kEFAULT);  // as on Linux, which looks for the page behind the word
  }
  return WordKey{&vma->file->inode(), (vma->page_of(page) << kPageShift) + (address - page)};
}

}  // namespace kernel
