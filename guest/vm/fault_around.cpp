// A read fault on a file maps the neighbours that are in the page cache as well: who reads one page reads on.
//
// Invariants: only pages of the file, within the VMA, where nothing is mapped yet; none of them is read for
// it, and nothing is allocated: the neighbours lie in the same last-level table as the page.

#include <algorithm>

#include "guest/vm/address_space.h"
#include "guest/vm/leaf.h"

namespace kernel {

namespace {

/// As Linux has it by default (fault_around_bytes), so that resident sizes agree.
constexpr u64 kAroundBytes = 65536;

}  // namespace

/// `page` has just been mapped, for reading or executing.
void AddressSpace::map_around(const Vma& vma, VirtAddr page) {
  PageCache* const cache = vma.cache();
  const u64 file_pages = (cache->inode().size() + kPageBytes - 1) >> kPageShift;
  if (file_pages <= vma.file_page) {
    return;
  }
  const VirtAddr start = std::max(vma.start, VirtAddr(align_down(page.value, kAroundBytes)));
  const u64 vma_pages_in_file = std::min(vma.pages(), file_pages - vma.file_page);
  // From a start that the mapping's own has moved up the window goes as far, but not into another table.
  const VirtAddr table_end(align_down(page.value, level_bytes(1)) + level_bytes(1));
  const VirtAddr end =
      std::min({vma.start + (vma_pages_in_file << kPageShift), start + kAroundBytes, table_end});
  if (start >= end) {
    return;
  }
  const bool may_write = vma.shared() && (vma.prot & kProtWrite) != 0;
  const u64 read_only = leaf_flags(vma.prot, false);
  const u64 writable = leaf_flags(vma.prot, true);
  u64 added = 0;
  table_.fill(start, end, [&](VirtAddr at) {
    Frame* const frame = cache->peek(vma.page_of(at));
    if (frame == nullptr) {
      return Pte();
    }
    get_frame(frame);
    added++;
    const bool dirty = (frame->flags & kFrameDirty) != 0;
    return Pte::make(frame_address(frame), may_write && dirty ? writable : read_only);
  });
  (vma.shared() ? counters_.rss_shmem : counters_.rss_file) += added;
  counters_.peak_rss = std::max(counters_.peak_rss, counters_.rss());
}

}  // namespace kernel
