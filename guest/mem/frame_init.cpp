#include "guest/mem/frame_init.h"

#include <algorithm>

#include "guest/lib/memory_ops.h"
#include "guest/lib/panic.h"

namespace kernel {

namespace frame_detail {

namespace {

constexpr usize kMaxRanges = BootInfo::kMaxReserved + 8;

/// Ranges in ascending order, widened to whole pages.
struct SortedRanges {
  PhysRange ranges[kMaxRanges];
  usize count = 0;

  void add(PhysRange range) {
    ASSERT(count < kMaxRanges);
    const u64 start = align_down(range.start, kPageBytes);
    ranges[count++] = {start, align_up(range.end(), kPageBytes) - start};
    std::sort(ranges, ranges + count,
              [](const PhysRange& a, const PhysRange& b) { return a.start < b.start; });
  }
  /// Calls `fn(gap)` for the whole pages of `memory` that no range covers.
  template <class Fn>
  void for_each_gap(PhysRange memory, Fn fn) const {
    u64 at = align_up(memory.start, kPageBytes);
    const u64 end = align_down(memory.end(), kPageBytes);
    for (usize i = 0; i < count && at < end; i++) {
      if (ranges[i].start > at) {
        fn(PhysRange{at, std::min(end, ranges[i].start) - at});
      }
      at = std::max(at, ranges[i].end());
    }
    if (at < end) {
      fn(PhysRange{at, end - at});
    }
  }
};

}  // namespace

void build_frame_table(Span<const PhysRange> memory, Span<const PhysRange> reserved) {
  reset();
  SortedRanges taken;
  for (const PhysRange& range : reserved) {
    taken.add(range);
  }
  u64 lowest = ~u64{0};
  u64 highest = 0;
  for (const PhysRange& range : memory) {
    lowest = std::min(lowest, range.start);
    highest = std::max(highest, range.end());
  }
  g_first_pfn = align_up(lowest, kPageBytes) >> kPageShift;
  g_frame_count = (highest >> kPageShift) - g_first_pfn;
  const u64 table_bytes = align_up(g_frame_count * sizeof(Frame), kPageBytes);

  PhysRange table;
  for (const PhysRange& range : memory) {
    taken.for_each_gap(range, [&](PhysRange gap) {
      if (table.size_bytes == 0 && gap.size_bytes >= table_bytes) {
        table = {gap.start, table_bytes};
      }
    });
  }
  if (table.size_bytes == 0) {
    panic("no room for the frame table: {} bytes", table_bytes);
  }
  taken.add(table);
  g_frames = phys_to_virt<Frame>(PhysAddr(table.start));
  fill_memory(g_frames, 0, table_bytes);
  // Holes between memories stay marked as well: they are never given out.
  SortedRanges present;
  for (const PhysRange& range : memory) {
    present.add(range);
  }
  const auto mark_reserved = [](PhysRange range) {
    for (u64 at = range.start; at < range.end(); at += kPageBytes) {
      if (Frame* const frame = frame_at(PhysAddr(at))) {
        frame->use = FrameUse::kReserved;
      }
    }
  };
  present.for_each_gap({lowest, highest - lowest}, mark_reserved);
  for (usize i = 0; i < taken.count; i++) {
    mark_reserved(taken.ranges[i]);
  }
  for (const PhysRange& range : memory) {
    taken.for_each_gap(range, [](PhysRange gap) {
      add_free_range((gap.start >> kPageShift) - g_first_pfn, gap.size_bytes >> kPageShift);
    });
  }
  finish_init();
}

}  // namespace frame_detail

#if !__STDC_HOSTED__
extern "C" char image_start[];
extern "C" char image_end[];

void init_frames(const BootInfo& info) {
  PhysRange reserved[BootInfo::kMaxReserved + 4];
  usize count = 0;
  for (usize i = 0; i < info.reserved_count; i++) {
    reserved[count++] = info.reserved[i];
  }
  const u64 image = virt_to_phys(image_start).value;
  reserved[count++] = {image, virt_to_phys(image_end).value - image};
  reserved[count++] = info.device_tree_range;
  if (info.initrd.size_bytes != 0) {
    reserved[count++] = info.initrd;
  }
  // Firmware that does not name its memory lies between the start of RAM and the image by custom.
  reserved[count++] = {};
  for (usize i = 0; i < info.memory_count; i++) {
    if (image >= info.memory[i].start && image < info.memory[i].end()) {
      reserved[count - 1] = {info.memory[i].start, image - info.memory[i].start};
    }
  }
  frame_detail::build_frame_table({info.memory, info.memory_count}, {reserved, count});
}
#endif

}  // namespace kernel
