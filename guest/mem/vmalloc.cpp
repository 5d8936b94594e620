#include "guest/mem/vmalloc.h"

#include <utility>

#include "guest/hal/fence.h"
#include "guest/hal/page_table.h"
#include "guest/lib/intrusive.h"
#include "guest/lib/panic.h"
#include "guest/mem/kmalloc.h"

namespace kernel {

namespace {

struct Area {
  ListNode node;
  VirtAddr start{};
  VirtAddr end{};  ///< the guard page begins here
  const char* owner = nullptr;
  u64 mapped_pages = 0;

  VirtAddr limit() const { return end + kPageBytes; }
};

using Areas = List<Area, &Area::node>;
Areas g_areas;
VmallocStats g_stats;
/// For the next first touch; null: it allocates.
Frame* g_aside = nullptr;

constexpr VirtAddr kAreaLimit{kVmallocAreaBase + kAreaBytes};
constexpr VirtAddr kFirstStart{kVmallocAreaBase + kPageBytes};

/// The first area that ends behind the address; end() when there is none.
Areas::iterator first_behind(VirtAddr address) {
  auto at = g_areas.begin();
  while (at != g_areas.end() && at->end <= address) {
    ++at;
  }
  return at;
}

Area* find(VirtAddr address) {
  const auto at = first_behind(address);
  return at != g_areas.end() && at->start <= address ? &*at : nullptr;
}

Area& area_at(const void* memory) {
  Area* const area = find(VirtAddr(reinterpret_cast<u64>(memory)));
  ASSERT(area != nullptr);
  return *area;
}

KResult<Frame*> zeroed_frame() {
  return g_aside != nullptr ? KResult<Frame*>(std::exchange(g_aside, nullptr))
                            : alloc_frame(ZeroIt::kYes, FrameUse::kVmalloc);
}

KResult<Frame*> give_page(Area& area, VirtAddr page) {
  Frame* const frame = TRY(zeroed_frame());
  const auto mapped = kernel_page_table().map(page, frame_address(frame), kPteRead | kPteWrite | kPteGlobal);
  if (!mapped.ok()) {
    put_frame(frame);
    return Err(mapped.error());
  }
  // An entry that was not valid may have been kept by the hart.
  fence_kernel_page(page);
  area.mapped_pages++;
  g_stats.mapped_pages++;
  return frame;
}

/// The frame at `page`, which lies in `area`.
KResult<Frame*> frame_of_page(Area& area, VirtAddr page) {
  const Leaf leaf = kernel_page_table().lookup(page);
  return leaf.valid() ? KResult<Frame*>(frame_at(leaf.pte.address())) : give_page(area, page);
}

VirtAddr page_of(VirtAddr address) { return VirtAddr(align_down(address.value, kPageBytes)); }

/// Every last-level table of [start, end): a first touch needs one frame then and no more.
KResult<void> reserve_tables(VirtAddr start, VirtAddr end) {
  for (VirtAddr at = start; at < end; at = VirtAddr(align_down(at.value, level_bytes(1)) + level_bytes(1))) {
    TRY(kernel_page_table().reserve_last_table(at));
  }
  return {};
}

}  // namespace

KResult<void*> vmalloc(usize bytes, const char* owner) {
  if (bytes == 0 || bytes > kAreaBytes) {
    return Err(Errno::kENOMEM);
  }
  const u64 size = align_up(bytes, kPageBytes);
  VirtAddr start = kFirstStart;
  auto before = g_areas.begin();
  while (before != g_areas.end() && before->start - start < size + kPageBytes) {
    start = before->limit();
    ++before;
  }
  if (start.value + size + kPageBytes > kAreaLimit.value) {
    return Err(Errno::kENOMEM);
  }
  TRY(reserve_tables(start, start + size));
  Area* const area = new (TRY(kmalloc(sizeof(Area)))) Area;
  area->start = start;
  area->end = start + size;
  area->owner = owner;
  g_areas.insert(before, *area);
  g_stats.areas++;
  return reinterpret_cast<void*>(start.value);
}

void vfree(void* memory) {
  if (memory == nullptr) {
    return;
  }
  Area& area = area_at(memory);
  ASSERT(area.start.value == reinterpret_cast<u64>(memory));
  for (VirtAddr page = area.start; page < area.end && area.mapped_pages > 0; page += kPageBytes) {
    const Leaf leaf = kernel_page_table().unmap(page);
    if (leaf.valid()) {
      put_frame(frame_at(leaf.pte.address()));
      area.mapped_pages--;
      g_stats.mapped_pages--;
    }
  }
  ASSERT(area.mapped_pages == 0);
  g_areas.erase(Areas::s_iterator_to(area));
  area.~Area();
  kfree(&area);
  g_stats.areas--;
}

KResult<void> vmalloc_populate(void* memory) {
  Area& area = area_at(memory);
  for (VirtAddr page = area.start; page < area.end; page += kPageBytes) {
    TRY(frame_of_page(area, page));
  }
  return {};
}

KResult<Frame*> vmalloc_frame(const void* address) {
  return frame_of_page(area_at(address), page_of(VirtAddr(reinterpret_cast<u64>(address))));
}

KResult<void> vmalloc_expect_touch(const void* address) {
  const bool present = kernel_page_table().lookup(page_of(VirtAddr(reinterpret_cast<u64>(address)))).valid();
  if (!present && g_aside == nullptr) {
    g_aside = TRY(alloc_frame(ZeroIt::kYes, FrameUse::kVmalloc));
  }
  return {};
}

u64 vmalloc_pages(const void* memory) { return area_at(memory).mapped_pages; }

bool vmalloc_fault(VirtAddr address) {
  if (address.value < kVmallocAreaBase || address >= kAreaLimit) {
    return false;
  }
  Area* const area = find(address);
  const VirtAddr page = page_of(address);
  // A page that is there and was refused is a bug, not a first touch.
  if (area == nullptr || kernel_page_table().lookup(page).valid()) {
    return false;
  }
  // There is no answer but a panic: so not because of one failure.
  if (!give_page(*area, page).ok() && !give_page(*area, page).ok()) {
    return false;
  }
  g_stats.faults++;
  return true;
}

const VmallocStats& vmalloc_stats() { return g_stats; }

void check_vmalloc() {
  VirtAddr free_from = kFirstStart;
  u64 areas = 0;
  u64 mapped = 0;
  for (const Area& area : g_areas) {
    ASSERT(area.start >= free_from && area.start < area.end && area.limit() <= kAreaLimit);
    ASSERT(!kernel_page_table().lookup(area.start - kPageBytes).valid());
    ASSERT(!kernel_page_table().lookup(area.end).valid());
    u64 present = 0;
    for (VirtAddr page = area.start; page < area.end; page += kPageBytes) {
      const Leaf leaf = kernel_page_table().lookup(page);
      if (leaf.valid()) {
        const Frame* const frame = frame_at(leaf.pte.address());
        ASSERT(frame != nullptr && frame->use == FrameUse::kVmalloc && frame->references > 0);
        present++;
      }
    }
    ASSERT(present == area.mapped_pages);
    free_from = area.limit();
    areas++;
    mapped += present;
  }
  ASSERT(areas == g_stats.areas && mapped == g_stats.mapped_pages);
  ASSERT(memory_stats().used_for(FrameUse::kVmalloc) >= mapped);
}

void format_vmalloc_areas(FormatSink& out) {
  for (const Area& area : g_areas) {
    format(out, "0x{:016x}-0x{:016x} {:7} {} pages={} vmalloc\n", area.start.value, area.limit().value,
           area.limit() - area.start, area.owner, area.mapped_pages);
  }
}

}  // namespace kernel
