#include "guest/mem/frame.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

#include "guest/mem/injection.h"
#include "tests/unit/guest/support/host.h"

namespace kernel {
namespace {

constexpr usize kMiB = usize{1} << 20;

TEST(Frames, BlocksAreAlignedDisjointAndComeBackWhole) {
  host::PhysicalMemory memory(16 * kMiB);
  std::mt19937 random(1);
  const u64 free_at_start = memory_stats().free();
  std::vector<Frame*> held;
  std::set<u64> pages;
  for (int round = 0; round < 4000; round++) {
    if (random() % 2 == 0 || held.empty()) {
      const unsigned order = random() % 5;
      auto block = alloc_frames(order, ZeroIt::kNo, FrameUse::kKernel);
      if (!block.ok()) {
        continue;
      }
      EXPECT_TRUE(is_aligned(frame_pfn(block.value()), u64{1} << order));
      for (u64 i = 0; i < u64{1} << order; i++) {
        ASSERT_TRUE(pages.insert(frame_pfn(block.value()) + i).second) << "given out twice";
      }
      held.push_back(block.value());
    } else {
      const usize at = random() % held.size();
      for (u64 i = 0; i < u64{1} << held[at]->order; i++) {
        pages.erase(frame_pfn(held[at]) + i);
      }
      put_frame(held[at]);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
    }
    ASSERT_EQ(memory_stats().free() + pages.size(), free_at_start);
  }
  for (Frame* frame : held) {
    put_frame(frame);
  }
  EXPECT_EQ(memory_stats().free(), free_at_start);
  // Everything merged again: the largest blocks can be had.
  EXPECT_TRUE(alloc_frames(kMaxOrder, ZeroIt::kNo, FrameUse::kKernel).ok());
}

TEST(Frames, RunOutWithEnomemAndComeBack) {
  host::PhysicalMemory memory(4 * kMiB);
  std::vector<Frame*> held;
  while (auto frame = alloc_frame(ZeroIt::kNo)) {
    held.push_back(frame.value());
  }
  EXPECT_EQ(alloc_frame(ZeroIt::kNo).error(), Errno::kENOMEM);
  EXPECT_EQ(memory_stats().free(), 0U);
  for (Frame* frame : held) {
    put_frame(frame);
  }
  EXPECT_EQ(memory_stats().free() + 1, memory_stats().total);  // all but the zero page
}

TEST(Frames, ReclaimIsAskedBeforeEnomem) {
  host::PhysicalMemory memory(4 * kMiB);
  static std::vector<Frame*> held;
  held.clear();
  while (memory_stats().free() > 0) {
    held.push_back(alloc_frame(ZeroIt::kNo).value());
  }
  set_reclaim_hook([](usize) {
    if (held.empty()) {
      return false;
    }
    put_frame(held.back());
    held.pop_back();
    return true;
  });
  EXPECT_TRUE(alloc_frame(ZeroIt::kNo).ok());
  held.clear();
  EXPECT_FALSE(alloc_frame(ZeroIt::kNo).ok());
  set_reclaim_hook(nullptr);
}

TEST(Frames, ReferencesKeepAFrame) {
  host::PhysicalMemory memory(4 * kMiB);
  Frame* const frame = alloc_frame(ZeroIt::kNo, FrameUse::kAnon).value();
  get_frame(frame);
  put_frame(frame);
  EXPECT_EQ(memory_stats().used_for(FrameUse::kAnon), 1U);
  set_frame_use(frame, FrameUse::kPageCache);
  EXPECT_EQ(memory_stats().used_for(FrameUse::kAnon), 0U);
  EXPECT_EQ(memory_stats().used_for(FrameUse::kPageCache), 1U);
  put_frame(frame);
  EXPECT_EQ(memory_stats().used_for(FrameUse::kPageCache), 0U);
}

TEST(Frames, ReservedMemoryIsNeverGivenOutUntilReleased) {
  const PhysRange reserved{0x8010'0800, 0x3000};  // touches four pages
  host::PhysicalMemory memory(4 * kMiB, 0x8000'0000, {reserved, {0x8000'0000, 0x1000}});
  while (auto frame = alloc_frame(ZeroIt::kNo)) {
    const u64 at = frame_address(frame.value()).value;
    ASSERT_TRUE(at + kPageBytes <= 0x8010'0000 || at >= 0x8010'4000);
    ASSERT_NE(at, 0x8000'0000U);
  }
  const u64 total = memory_stats().total;
  release_reserved({0x8010'0000, 0x4000});
  EXPECT_EQ(memory_stats().free(), 4U);
  EXPECT_EQ(memory_stats().total, total + 4);
  EXPECT_TRUE(alloc_frames(2, ZeroIt::kNo, FrameUse::kKernel).ok());
}

TEST(Frames, InjectedFailureHitsTheChosenAllocation) {
  host::PhysicalMemory memory(4 * kMiB);
  inject({.nth = 2});
  EXPECT_TRUE(alloc_frame(ZeroIt::kNo).ok());
  EXPECT_FALSE(alloc_frame(ZeroIt::kNo).ok());
  EXPECT_TRUE(alloc_frame(ZeroIt::kNo).ok());
}

TEST(Frames, ZeroedMeansZeroed) {
  host::PhysicalMemory memory(4 * kMiB);
  Frame* const dirty = alloc_frame(ZeroIt::kNo).value();
  std::fill_n(frame_data(dirty), kPageBytes, u8{0xff});
  put_frame(dirty);
  Frame* const clean = alloc_frame(ZeroIt::kYes).value();
  EXPECT_EQ(clean, dirty) << "the warm frame comes first";
  EXPECT_TRUE(std::all_of(frame_data(clean), frame_data(clean) + kPageBytes, [](u8 b) { return b == 0; }));
}

TEST(FrameList, KeepsOrderAndTakesOutOfTheMiddle) {
  host::PhysicalMemory memory(4 * kMiB);
  Frame* frames[4];
  FrameList list;
  for (Frame*& frame : frames) {
    frame = alloc_frame(ZeroIt::kNo).value();
    list.push_back(frame);
  }
  list.remove(frames[1]);
  EXPECT_EQ(list.size(), 3U);
  EXPECT_EQ(list.pop_front(), frames[0]);
  EXPECT_EQ(list.back(), frames[3]);
  list.push_front(frames[1]);
  EXPECT_EQ(list.pop_front(), frames[1]);
  EXPECT_EQ(list.pop_front(), frames[2]);
  EXPECT_EQ(list.pop_front(), frames[3]);
  EXPECT_EQ(list.pop_front(), nullptr);
}

}  // namespace
}  // namespace kernel
