#include "guest/mem/frame.h"

#include <algorithm>

#include "guest/hal/clear_page.h"
#include "guest/lib/panic.h"
#include "guest/mem/buddy.h"
#include "guest/mem/injection.h"

namespace kernel {

namespace frame_detail {
Frame* g_frames = nullptr;
u64 g_first_pfn = 0;
u64 g_frame_count = 0;
}  // namespace frame_detail

namespace {

BuddyAllocator g_buddy;
MemoryStats g_stats;
Frame* g_zero_frame = nullptr;
bool (*g_reclaim)(usize) = nullptr;
bool g_reclaiming = false;

/// Freed single frames wait here, warm and unmerged, for the next allocation of one.
FrameList g_hot_frames;
constexpr usize kMaxHotFrames = 64;

void account(FrameUse from, FrameUse to, u64 frames) {
  g_stats.by_use[static_cast<unsigned>(from)] -= frames;
  g_stats.by_use[static_cast<unsigned>(to)] += frames;
}

void drain_hot_frames(usize keep) {
  while (g_hot_frames.size() > keep) {
    g_buddy.free(g_hot_frames.pop_front(), 0);
  }
}

Frame* take_block(unsigned order) {
  if (order == 0 && !g_hot_frames.empty()) {
    return g_hot_frames.pop_front();
  }
  Frame* const block = g_buddy.allocate(order);
  if (block != nullptr || order == 0) {
    return block;
  }
  drain_hot_frames(0);
  return g_buddy.allocate(order);
}

}  // namespace

KResult<Frame*> alloc_frames(unsigned order, ZeroIt zero, FrameUse use) {
  if (order > kMaxOrder || is_injected_failure(FailTarget::kFrames)) {
    return Err(Errno::kENOMEM);
  }
  Frame* block = take_block(order);
  while (block == nullptr && g_reclaim != nullptr && !g_reclaiming) {
    g_reclaiming = true;
    const bool freed = g_reclaim(usize{1} << order);
    g_reclaiming = false;
    if (!freed) {
      break;
    }
    block = take_block(order);
  }
  if (block == nullptr) {
    return Err(Errno::kENOMEM);
  }
  block->references = 1;
  block->use = use;
  block->order = static_cast<u8>(order);
  block->flags = 0;
  block->mapping = nullptr;
  block->index = 0;
  account(FrameUse::kFree, use, u64{1} << order);
  if (zero == ZeroIt::kYes) {
    clear_pages(frame_data(block), kPageBytes << order);
  }
  return block;
}

KResult<Frame*> alloc_frame(ZeroIt zero, FrameUse use) { return alloc_frames(0, zero, use); }

void put_frame(Frame* frame) {
  ASSERT(frame->references > 0);
  if (--frame->references > 0) {
    return;
  }
  ASSERT((frame->flags & kFrameListed) == 0);
  const unsigned order = frame->order;
  account(frame->use, FrameUse::kFree, u64{1} << order);
  frame->use = FrameUse::kFree;
  if (order == 0) {
    g_hot_frames.push_front(frame);
    if (g_hot_frames.size() > kMaxHotFrames) {
      drain_hot_frames(kMaxHotFrames / 2);
    }
  } else {
    frame->order = 0;
    g_buddy.free(frame, order);
  }
}

void set_frame_use(Frame* frame, FrameUse use) {
  account(frame->use, use, u64{1} << frame->order);
  frame->use = use;
}

Frame* zero_frame() { return g_zero_frame; }
void set_reclaim_hook(bool (*reclaim)(usize wanted_frames)) { g_reclaim = reclaim; }
const MemoryStats& memory_stats() { return g_stats; }

namespace frame_detail {

void add_free_range(u64 first, u64 count) {
  g_stats.total += count;
  g_stats.by_use[static_cast<unsigned>(FrameUse::kFree)] += count;
  g_buddy.free_range(first, count);
}

void reset() {
  g_buddy = BuddyAllocator();
  g_stats = MemoryStats();
  g_hot_frames = FrameList();
  g_zero_frame = nullptr;
}

void finish_init() {
  auto zero = alloc_frame(ZeroIt::kYes, FrameUse::kKernel);
  if (!zero.ok()) {
    panic("no memory for the zero page");
  }
  g_zero_frame = zero.value();
}

}  // namespace frame_detail

void release_reserved(PhysRange range) {
  const u64 start = align_up(range.start, kPageBytes);
  const u64 end = align_down(range.end(), kPageBytes);
  Frame* const first = frame_at(PhysAddr(start));
  if (start >= end || first == nullptr) {
    return;
  }
  const u64 count = std::min((end - start) / kPageBytes, frame_detail::g_frame_count - frame_number(first));
  for (u64 i = 0; i < count; i++) {
    ASSERT(first[i].use == FrameUse::kReserved);
    first[i].use = FrameUse::kFree;
  }
  frame_detail::add_free_range(frame_number(first), count);
}

}  // namespace kernel
