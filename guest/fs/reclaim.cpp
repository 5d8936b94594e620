#include "guest/fs/reclaim.h"

#include <algorithm>

#include "guest/drivers/trace.h"
#include "guest/fs/page_cache.h"

namespace kernel {

namespace {

FrameList g_pages;  // the oldest is the first
u32 g_pauses = 0;
/// Who is in write_oldest_file().
const Thread* g_writer = nullptr;
WaitQueue g_written;
/// Calls of relieve_memory() that do nothing, after one that found nothing.
u32 g_calls_to_skip = 0;
constexpr u32 kCallsSkippedAfterFailure = 64;
constexpr usize kBudgetPerPage = 4;

constexpr u64 kMinKeptFree = 32;
constexpr u64 kMaxKeptFree = 1024;
u64 kept_free() { return std::clamp(memory_stats().total / 64, kMinKeptFree, kMaxKeptFree); }

PageCache& cache_of(const Frame& frame) { return *static_cast<PageCache*>(frame.mapping); }

/// What becomes of the oldest page: it stays on the list as the youngest, leaves the list, or is given up.
enum class Verdict : u8 { kKeep, kForget, kGiveUp };

Verdict judge(Frame& frame, ReclaimFrom from) {
  PageCache& cache = cache_of(frame);
  if ((frame.flags & kFrameDirty) != 0) {
    // Where there is nothing to write it back to, it is dirty for good.
    return cache.inode().lives_in_memory() ? Verdict::kForget : Verdict::kKeep;
  }
  if ((frame.flags & kFrameReferenced) != 0) {
    frame.flags &= static_cast<u16>(~kFrameReferenced);
    return Verdict::kKeep;
  }
  if (frame.references > 1 && (from == ReclaimFrom::kUnmapped || !cache.unmap_idle_page(frame.index))) {
    return Verdict::kKeep;
  }
  return frame.references == 1 ? Verdict::kGiveUp : Verdict::kKeep;
}

bool give_up_unmapped(usize wanted) {
  constexpr usize kBatch = 32;
  return reclaim_pages(std::max(wanted, kBatch), 2 * g_pages.size(), ReclaimFrom::kUnmapped) > 0;
}

bool write_file(Inode& inode) {
  g_writer = &current_thread();
  const auto written = inode.page_cache()->write_back(0, ~u64{0});
  g_writer = nullptr;
  g_written.wake_all();
  return written.ok();
}

/// Writes the dirty pages of the file that has the oldest of them; where that fails, of the next one. Whether
/// there was one.
bool write_oldest_file() {
  constexpr usize kMaxFailures = 8;
  RefPtr<Inode> failed[kMaxFailures];
  usize failures = 0;
  if (g_writer != nullptr) {
    return false;
  }
  for (usize left = g_pages.size(); left > 0 && !g_pages.empty() && failures < kMaxFailures; left--) {
    Frame& frame = *g_pages.pop_front();
    g_pages.push_back(&frame);
    Inode& inode = cache_of(frame).inode();
    if ((frame.flags & kFrameDirty) == 0 || inode.lives_in_memory() || inode.references() == 0) {
      continue;
    }
    if (std::any_of(failed, failed + failures, [&](const auto& other) { return other.get() == &inode; })) {
      continue;
    }
    RefPtr<Inode> stays(&inode);
    if (write_file(inode)) {
      return true;
    }
    failed[failures++] = std::move(stays);
  }
  return false;
}

/// Sleeps while another thread writes. Whether there was one.
bool wait_for_writer() {
  if (g_writer == nullptr || g_writer == &current_thread()) {
    return false;
  }
  wait_event(g_written, [] { return g_writer == nullptr; });
  return true;
}

}  // namespace

ReclaimPause::ReclaimPause() { g_pauses++; }
ReclaimPause::~ReclaimPause() { g_pauses--; }

void add_reclaimable(Frame& frame) { g_pages.push_back(&frame); }

void remove_reclaimable(Frame& frame) {
  if ((frame.flags & kFrameListed) != 0) {
    g_pages.remove(&frame);
  }
}

usize reclaimable_pages() { return g_pages.size(); }

usize reclaim_pages(usize wanted, usize budget, ReclaimFrom from) {
  usize given_up = 0;
  for (; g_pauses == 0 && given_up < wanted && budget > 0 && !g_pages.empty(); budget--) {
    Frame& frame = *g_pages.pop_front();
    switch (judge(frame, from)) {
      case Verdict::kKeep:
        g_pages.push_back(&frame);
        break;
      case Verdict::kForget:
        break;
      case Verdict::kGiveUp:
        cache_of(frame).give_up(frame);
        given_up++;
    }
  }
  return given_up;
}

void init_reclaim() { set_reclaim_hook(&give_up_unmapped); }

void relieve_memory() {
  const u64 free = memory_stats().free();
  if (free >= kept_free() || g_pages.empty()) {
    return;
  }
  if (g_calls_to_skip > 0) {
    g_calls_to_skip--;
    return;
  }
  const u64 wanted = 2 * kept_free() - free;
  if (reclaim_pages(wanted, kBudgetPerPage * wanted, ReclaimFrom::kMapped) == 0) {
    g_calls_to_skip = write_oldest_file() ? 0 : kCallsSkippedAfterFailure;
  }
}

bool relieve_exhausted_memory() {
  const auto give_up = [] {
    return reclaim_pages(kept_free(), 3 * g_pages.size(), ReclaimFrom::kMapped) > 0;
  };
  // Who wrote may have given up everything that it wrote.
  const auto is_some_free = [] { return memory_stats().free() > 0; };
  return give_up() || (wait_for_writer() && (give_up() || is_some_free())) ||
         (write_oldest_file() && give_up());
}

}  // namespace kernel
