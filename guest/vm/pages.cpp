// Pages that are present: counting, dropping, write-protecting, and giving them before they are touched.

#include <algorithm>
#include <optional>

#include "guest/vm/address_space.h"
#include "guest/vm/leaf.h"

namespace kernel {

/// Resident set of the process; the zero page is not part of it (as in Linux).
void AddressSpace::count_page(const Vma& vma, const Frame& frame, i64 sign) {
  if (frame.use != FrameUse::kAnon && frame.use != FrameUse::kPageCache && !is_resident_special(vma, frame)) {
    return;
  }
  u64& counter = frame.use == FrameUse::kAnon ? counters_.rss_anon
                 : vma.shared()               ? counters_.rss_shmem
                                              : counters_.rss_file;
  counter += static_cast<u64>(sign);
  counters_.peak_rss = std::max(counters_.peak_rss, counters_.rss());
}

/// Gives up what a leaf that is being removed refers to.
void AddressSpace::drop_leaf(const Vma& vma, Pte pte) {
  if (Frame* const frame = frame_of(pte); frame != nullptr) {
    count_page(vma, *frame, -1);
    put_frame(frame);
  }
}

void AddressSpace::zap(Vma& vma, Range range, PrivateCopies copies) {
  table_.update_range(range.start, range.end, [&](VirtAddr, Pte pte) {
    const Frame* const frame = frame_of(pte);
    if (copies == PrivateCopies::kKeep && frame != nullptr && frame->use == FrameUse::kAnon) {
      return pte;
    }
    drop_leaf(vma, pte);
    return Pte();
  });
}

/// Private copies too, for who may sleep: not for a file that calls back (FileMapping), which does not expect
/// it.
void AddressSpace::zap_in_turns(const Vma& vma, Range range) {
  update_in_turns(range, [&](VirtAddr, Pte pte) {
    drop_leaf(vma, pte);
    return Pte();
  });
}

void AddressSpace::write_protect(Range range) {
  table_.update_range(range.start, range.end,
                      [](VirtAddr, Pte pte) { return Pte{pte.raw & ~u64{kPteWrite}}; });
}

/// Whether the page is there and has been accessed; it counts as not accessed from now on.
bool AddressSpace::take_accessed(VirtAddr page) {
  bool accessed = false;
  table_.update_range(page, page + kPageBytes, [&accessed](VirtAddr, Pte pte) {
    const Frame* const frame = frame_of(pte);
    // A private copy is no use of the file's page.
    accessed = pte.has(kPteAccessed) && frame != nullptr && frame->use == FrameUse::kPageCache;
    return Pte{pte.raw & (accessed ? ~u64{kPteAccessed} : ~u64{0})};
  });
  return accessed;
}

/// Maps a page where none is; the reference to the frame passes to the entry.
KResult<void> AddressSpace::install(const Vma& vma, VirtAddr page, FrameRef frame, bool writable) {
  TRY(table_.map(page, frame_address(frame.get()), leaf_flags(vma.prot, writable)));
  count_page(vma, *frame.get(), 1);
  frame.release();
  return {};
}

/// Puts new permissions, or another frame, in place of a leaf.
void AddressSpace::exchange_leaf(VirtAddr page, PhysAddr address, u64 flags) {
  table_.exchange(page, address, flags);
}

/// After unmapping: gives back tables between the neighbours that are left, which can no longer hold
/// anything.
void AddressSpace::trim_tables(Range removed) {
  Vma* const above = find_from(removed.end);
  Vma* const below = above != nullptr ? previous(*above) : as_vma(vmas_.last());
  const VirtAddr low = below != nullptr ? below->end : VirtAddr(0);
  const VirtAddr high = above != nullptr ? above->start : kUserTop;
  const u64 span = level_bytes(1);
  VirtAddr at = std::max(low, VirtAddr(align_down(removed.start.value, span)));
  const VirtAddr end = std::min(high, VirtAddr(align_up(removed.end.value, span)));
  while (at < end && (at = table_.trim_part(at, end)) < end) {
    (void)give_way();
  }
}

/// What a mapping is populated with: a private writable one gets pages of its own. Nothing for PROT_NONE.
static std::optional<Access> populating_access(const Vma& vma) {
  if ((vma.prot & kProtWrite) != 0) {
    return vma.shared() ? Access::kRead : Access::kWrite;
  }
  if ((vma.prot & kProtRead) != 0) {
    return Access::kRead;
  }
  return (vma.prot & kProtExec) != 0 ? std::optional(Access::kExecute) : std::nullopt;
}

/// Some pages of a large range are done: others may have the hart, or have ended the process (EINTR).
static KResult<void> give_way_between(VirtAddr page) {
  constexpr u64 kPagesAtATime = 64;
  return (page.value >> kPageShift) % kPagesAtATime == 0 ? give_way() : KResult<void>();
}

/// Gives the pages of the range as far as possible (MAP_POPULATE, mlock). Returns the first error, for those
/// who report it: EFAULT where touching would be a signal, ENOMEM.
KResult<void> AddressSpace::populate(Range range) {
  std::optional<Errno> first_error;
  for (Vma* vma = find_from(range.start); vma != nullptr && vma->start < range.end; vma = next(*vma)) {
    const auto access = populating_access(*vma);
    const VirtAddr end = std::min(range.end, vma->end);
    for (VirtAddr page = std::max(range.start, vma->start); page < end; page += kPageBytes) {
      TRY(give_way_between(page));
      const FaultAnswer answer =
          access ? give_page(*vma, page, *access) : FaultAnswer{FaultKind::k_segv_accerr, 0};
      if (!answer.ok()) {
        const Errno error = answer.kind == FaultKind::k_oom ? Errno::kENOMEM : Errno::kEFAULT;
        first_error = first_error.value_or(error);
        break;  // on to the next mapping
      }
    }
  }
  return first_error ? KResult<void>(Err(*first_error)) : KResult<void>();
}

/// MADV_POPULATE_READ and _WRITE: EFAULT where touching would be SIGBUS, EINVAL without permission, ENOMEM.
KResult<void> AddressSpace::populate_strict(Range range, Access access) {
  for (VirtAddr page = range.start; page < range.end; page += kPageBytes) {
    TRY(give_way_between(page));
    Vma* const vma = find(page);
    if (vma == nullptr) {
      return Err(Errno::kENOMEM);
    }
    // By the protection as it was asked for: a write-only mapping cannot be populated for reading.
    if ((vma->prot & (access == Access::kWrite ? kProtWrite : kProtRead)) == 0) {
      return Err(Errno::kEINVAL);
    }
    const FaultAnswer answer = give_page(*vma, page, access);
    if (!answer.ok()) {
      return Err(answer.kind == FaultKind::k_oom ? Errno::kENOMEM : Errno::kEFAULT);
    }
  }
  return {};
}

}  // namespace kernel
