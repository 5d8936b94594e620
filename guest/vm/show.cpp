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
  u64 pss_shares = 0;
  u64 shared_clean = 0;
  u64 shared_dirty = 0;
  u64 private_clean = 0;
  u64 private_dirty = 0;
  u64 referenced = 0;
  u64 anonymous = 0;
  u64 locked = 0;

  void add_page(Pte pte, const Frame& frame) {
    const bool cached = frame.use == FrameUse::kPageCache;
    const bool dirty = cached ? (frame.flags & kFrameDirty) != 0 : true;
    const u32 sharers = std::max<u32>(1, frame.references - (cached && frame.mapping != nullptr ? 1 : 0));
    rss += kPageBytes;
    pss_shares += (kPageBytes << kPageShift) / sharers;
    (sharers > 1 ? dirty ? shared_dirty : shared_clean : dirty ? private_dirty : private_clean) += kPageBytes;
    referenced += pte.has(kPteAccessed) ? kPageBytes : 0;
    anonymous += cached ? 0 : kPageBytes;
  }
  void add(const SmapsSums& other) {
    size += other.size;
    rss += other.rss;
    pss_shares += other.pss_shares;
    shared_clean += other.shared_clean;
    shared_dirty += other.shared_dirty;
    private_clean += other.private_clean;
    private_dirty += other.private_dirty;
    referenced += other.referenced;
    anonymous += other.anonymous;
    locked += other.locked;
  }
};

void format_sum(FormatSink& out, StringView name, u64 bytes) {
  char label[24];
  format(out, "{:<16}{:8} kB\n", format_into(label, "{}:", name), bytes / 1024);
}

void format_sums(FormatSink& out, const SmapsSums& sums) {
  format_sum(out, "Rss", sums.rss);
  format_sum(out, "Pss", sums.pss_shares >> kPageShift);
  format_sum(out, "Shared_Clean", sums.shared_clean);
  format_sum(out, "Shared_Dirty", sums.shared_dirty);
  format_sum(out, "Private_Clean", sums.private_clean);
  format_sum(out, "Private_Dirty", sums.private_dirty);
  format_sum(out, "Referenced", sums.referenced);
  format_sum(out, "Anonymous", sums.anonymous);
  for (const StringView zero : {"LazyFree", "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped",
                                "Shared_Hugetlb", "Private_Hugetlb", "Swap", "SwapPss"}) {
    format_sum(out, zero, 0);
  }
  format_sum(out, "Locked", sums.locked);
}

struct FlagName {
  u32 flag;
  const char* name;
};
constexpr FlagName kFlagNames[] = {
    {kVmaShared, "sh"},    {kVmaMayRead, "mr"},   {kVmaMayWrite, "mw"},       {kVmaMayExec, "me"},
    {kVmaGrowsDown, "gd"}, {kVmaLocked, "lo"},    {kVmaSequentialRead, "sr"}, {kVmaRandomRead, "rr"},
    {kVmaDontFork, "dc"},  {kVmaAccounted, "ac"}, {kVmaNoReserve, "nr"},      {kVmaWipeOnFork, "wf"},
    {kVmaDontDump, "dd"},  {kVmaHugePage, "hg"},  {kVmaNoHugePage, "nh"},     {kVmaMergeable, "mg"},
};

void format_flags(FormatSink& out, const Vma& vma) {
  out.put("VmFlags: ");
  out.put((vma.prot & kProtRead) != 0 ? "rd " : "");
  out.put((vma.prot & kProtWrite) != 0 ? "wr " : "");
  out.put((vma.prot & kProtExec) != 0 ? "ex " : "");
  for (const FlagName& flag : kFlagNames) {
    if (vma.has(flag.flag)) {
      format(out, "{} ", flag.name);
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
    table_.for_each_leaf(vma.start, vma.end, [&](VirtAddr, Pte pte) {
      const Frame* const frame = frame_of(pte);
      if (frame != nullptr && (frame->use == FrameUse::kAnon || frame->use == FrameUse::kPageCache)) {
        sums.add_page(pte, *frame);
      }
    });
    sums.locked = vma.has(kVmaLocked) ? sums.pss_shares >> kPageShift : 0;
    total.add(sums);
    if (rollup) {
      continue;
    }
    TRY(format_line(out, vma, special_name(vma, heap_start_, heap_end_, stack_top_), root));
    format_sum(out, "Size", sums.size);
    format_sum(out, "KernelPageSize", kPageBytes);
    format_sum(out, "MMUPageSize", kPageBytes);
    format_sums(out, sums);
    out.put("THPeligible:           0\n");
    format_flags(out, vma);
  }
  if (rollup && !vmas_.empty()) {
    MapsLine line{vmas_.first()->start, vmas_.last()->end, 0, false, 0, 0, 0, "[rollup]"};
    format_maps_line(out, line);
    format_sums(out, total);
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
