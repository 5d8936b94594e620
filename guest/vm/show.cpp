// /proc/PID/maps, smaps, smaps_rollup and pagemap.

#include <algorithm>

#include "guest/fs/path.h"
#include "guest/vm/address_space.h"
#include "guest/vm/leaf.h"
#include "guest/vm/maps.h"

namespace kernel {

namespace {

/// The kernel's own name for a mapping without a file.
StringView special_name(const Vma& vma, VirtAddr heap_start, VirtAddr heap_end, VirtAddr stack_top) {
  if (vma.special != nullptr) {
    return vma.special->name;
  }
  // As Linux decides it: whatever touches the heap, or holds the stack's top, is shown as such.
  if (heap_end > heap_start && vma.start < heap_end && vma.end > heap_start) {
    return "[heap]";
  }
  if (vma.start < stack_top && vma.end >= stack_top) {
    return "[stack]";
  }
  return {};
}

KResult<void> format_line(FormatSink& out, const Vma& vma, StringView name, const Path& root) {
  MapsLine line{vma.start, vma.end, vma.prot, vma.shared(), 0, 0, 0, name};
  String path;
  if (vma.file) {
    const Inode& inode = vma.file->inode();
    path = TRY(path_text(vma.file->path(), root));
    line.offset = vma.file_page << kPageShift;
    line.device = inode.fs().device();
    line.inode = inode.number();
    line.name = path;
  }
  format_maps_line(out, line);
  return {};
}

/// What smaps counts, in bytes. Pss is kept in 4096ths, as pages are divided among their sharers.
struct SmapsSums {
  u64 size = 0;
  u64 rss = 0;
  u64 pss_anon_shares = 0;
  u64 pss_file_shares = 0;
  u64 pss_memory_file_shares = 0;
  u64 pss_dirty_shares = 0;
  u64 shared_clean = 0;
  u64 shared_dirty = 0;
  u64 private_clean = 0;
  u64 private_dirty = 0;
  u64 referenced = 0;
  u64 anonymous = 0;
  u64 locked_shares = 0;

  u64 pss_shares() const { return pss_anon_shares + pss_file_shares + pss_memory_file_shares; }

  void add_page(Pte pte, const Frame& frame) {
    const bool own = frame.use == FrameUse::kAnon;
    const bool cached = frame.use == FrameUse::kPageCache && frame.mapping != nullptr;
    const bool dirty = own || (frame.flags & kFrameDirty) != 0;
    // The cache has one, and so has the kernel of what it shows to programs.
    const u32 sharers =
        std::max<u32>(1, frame.references - (own || (!cached && frame.use == FrameUse::kPageCache) ? 0 : 1));
    const u64 shares = (kPageBytes << kPageShift) / sharers;
    const bool in_memory = cached && static_cast<PageCache*>(frame.mapping)->inode().lives_in_memory();
    (own ? pss_anon_shares : in_memory ? pss_memory_file_shares : pss_file_shares) += shares;
    rss += kPageBytes;
    pss_dirty_shares += dirty ? shares : 0;
    (sharers > 1 ? dirty ? shared_dirty : shared_clean : dirty ? private_dirty : private_clean) += kPageBytes;
    referenced += pte.has(kPteAccessed) ? kPageBytes : 0;
    anonymous += own ? kPageBytes : 0;
  }
  void add(const SmapsSums& other) {
    size += other.size;
    rss += other.rss;
    pss_anon_shares += other.pss_anon_shares;
    pss_file_shares += other.pss_file_shares;
    pss_memory_file_shares += other.pss_memory_file_shares;
    pss_dirty_shares += other.pss_dirty_shares;
    shared_clean += other.shared_clean;
    shared_dirty += other.shared_dirty;
    private_clean += other.private_clean;
    private_dirty += other.private_dirty;
    referenced += other.referenced;
    anonymous += other.anonymous;
    locked_shares += other.locked_shares;
  }
};

void format_sum(FormatSink& out, StringView name, u64 bytes) {
  char label[24];
  format(out, "{:<16}{:8} kB\n", format_into(label, "{}:", name), bytes / 1024);
}

enum class SmapsForm : u8 { kMapping, kRollup };

void format_sums(FormatSink& out, const SmapsSums& sums, SmapsForm form) {
  format_sum(out, "Rss", sums.rss);
  format_sum(out, "Pss", sums.pss_shares() >> kPageShift);
  format_sum(out, "Pss_Dirty", sums.pss_dirty_shares >> kPageShift);
  if (form == SmapsForm::kRollup) {
    format_sum(out, "Pss_Anon", sums.pss_anon_shares >> kPageShift);
    format_sum(out, "Pss_File", sums.pss_file_shares >> kPageShift);
    format_sum(out, "Pss_Shmem", sums.pss_memory_file_shares >> kPageShift);
  }
  format_sum(out, "Shared_Clean", sums.shared_clean);
  format_sum(out, "Shared_Dirty", sums.shared_dirty);
  format_sum(out, "Private_Clean", sums.private_clean);
  format_sum(out, "Private_Dirty", sums.private_dirty);
  format_sum(out, "Referenced", sums.referenced);
  format_sum(out, "Anonymous", sums.anonymous);
  for (const StringView zero : {"KSM", "LazyFree", "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped",
                                "Shared_Hugetlb", "Private_Hugetlb", "Swap", "SwapPss"}) {
    format_sum(out, zero, 0);
  }
  format_sum(out, "Locked", sums.locked_shares >> kPageShift);
}

/// Linux' names in the order of its bits. A name is shown when the VMA has `all`, and one of `any`.
struct FlagName {
  const char* name;
  u32 all;
  u32 any = ~u32{0};
};
constexpr FlagName kFlagNames[] = {
    {"sh", kVmaShared | kVmaMayWrite},
    {"mr", kVmaMayRead},
    {"mw", kVmaMayWrite},
    {"me", kVmaMayExec},
    {"ms", kVmaShared},
    {"gd", kVmaGrowsDown},
    {"pf", kVmaPfnMap},
    {"lo", kVmaLocked},
    {"io", kVmaDevice | kVmaPfnMap},
    {"sr", kVmaSequentialRead},
    {"rr", kVmaRandomRead},
    {"dc", kVmaDontFork},
    {"de", 0, kVmaSpecial | kVmaPfnMap},
    {"lf", kVmaLockOnFault},
    {"ac", kVmaAccounted},
    {"nr", kVmaNoReserve},
    {"wf", kVmaWipeOnFork},
    {"dd", kVmaDontDump},
    {"hg", kVmaHugePage},
    {"nh", kVmaNoHugePage},
    {"mg", kVmaMergeable},
};

void format_flags(FormatSink& out, const Vma& vma) {
  out.put("VmFlags: ");
  out.put((vma.prot & kProtRead) != 0 ? "rd " : "");
  out.put((vma.prot & kProtWrite) != 0 ? "wr " : "");
  out.put((vma.prot & kProtExec) != 0 ? "ex " : "");
  // Of shared memory Linux counts the object, not the mapping.
  const u32 flags = vma.flags & ~(vma.shared() ? u32{kVmaAccounted} : 0);
  for (const FlagName& name : kFlagNames) {
    if ((flags & name.all) == name.all && (flags & name.any) != 0) {
      format(out, "{} ", name.name);
    }
  }
  out.put("\n");
}

}  // namespace

KResult<void> AddressSpace::format_maps(FormatSink& out, const Path& root) {
  MutexGuard guard(lock_);
  for (VmaRange* at = vmas_.first(); at != nullptr; at = VmaSet::next(*at)) {
    const Vma& vma = *as_vma(at);
    TRY(format_line(out, vma, special_name(vma, heap_start_, heap_end_, stack_top_), root));
  }
  return {};
}

KResult<void> AddressSpace::format_smaps(FormatSink& out, const Path& root, bool rollup) {
  MutexGuard guard(lock_);
  SmapsSums total;
  for (VmaRange* at = vmas_.first(); at != nullptr; at = VmaSet::next(*at)) {
    const Vma& vma = *as_vma(at);
    SmapsSums sums;
    sums.size = vma.size_bytes();
    update_in_turns({vma.start, vma.end}, [&](VirtAddr, Pte pte) {
      const Frame* const frame = frame_of(pte);
      if (frame != nullptr && (frame->use == FrameUse::kAnon || frame->use == FrameUse::kPageCache ||
                               is_resident_special(vma, *frame))) {
        sums.add_page(pte, *frame);
      }
      return pte;
    });
    sums.locked_shares = vma.has(kVmaLocked) ? sums.pss_shares() : 0;
    total.add(sums);
    if (rollup) {
      continue;
    }
    TRY(format_line(out, vma, special_name(vma, heap_start_, heap_end_, stack_top_), root));
    format_sum(out, "Size", sums.size);
    format_sum(out, "KernelPageSize", kPageBytes);
    format_sum(out, "MMUPageSize", kPageBytes);
    format_sums(out, sums, SmapsForm::kMapping);
    out.put("THPeligible:           0\n");
    format_flags(out, vma);
  }
  if (rollup && !vmas_.empty()) {
    MapsLine line{vmas_.first()->start, vmas_.last()->end, 0, false, 0, 0, 0, "[rollup]"};
    format_maps_line(out, line);
    format_sums(out, total, SmapsForm::kRollup);
  }
  return {};
}

/// proc_pid_pagemap(5): bit 63 present, 61 file page or shared anonymous, 56 mapped once, low bits the frame.
void AddressSpace::fill_pagemap(u64 first, Span<u64> out) {
  constexpr u64 kPresent = u64{1} << 63;
  constexpr u64 kFileMapped = u64{1} << 61;
  constexpr u64 kExclusive = u64{1} << 56;
  std::fill(out.begin(), out.end(), 0);
  const u64 user_pages = kUserTop.value >> kPageShift;
  if (first >= user_pages) {
    return;
  }
  const VirtAddr start(first << kPageShift);
  const VirtAddr end = start + (std::min<u64>(out.size(), user_pages - first) << kPageShift);
  MutexGuard guard(lock_);
  table_.for_each_leaf(start, end, [&](VirtAddr va, Pte pte) {
    u64 entry = kPresent | pte.ppn();
    if (const Frame* const frame = frame_of(pte); frame != nullptr) {
      const bool cached = frame->use == FrameUse::kPageCache;
      entry |= cached ? kFileMapped : 0;
      entry |= frame->references == (cached ? 2U : 1U) ? kExclusive : 0;
    }
    out[(va - start) >> kPageShift] = entry;
  });
}

}  // namespace kernel
