#include "guest/fs/page_cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "guest/drivers/trace.h"
#include "guest/fs/flusher.h"
#include "guest/fs/reclaim.h"

namespace kernel {

namespace {

/// Frames that must be free before pages are read that nobody has asked for.
constexpr u64 kFreeForMore = 4 * kReadWindowPages;

PageCacheStats g_stats;

}  // namespace

const PageCacheStats& page_cache_stats() { return g_stats; }

PageCache::~PageCache() {
  ASSERT(mappings_.empty());
  drop(0, ~u64{0});
}

FrameRef PageCache::find(u64 index) const {
  Frame* const present = index_.find(index);
  if (present != nullptr) {
    present->flags |= kFrameReferenced;
  }
  return FrameRef::share(present);
}

KResult<FrameRef> PageCache::get(u64 index, ReadMore more, bool* major) {
  if (major != nullptr) {
    *major = false;
  }
  if (FrameRef present = find(index)) {
    return present;
  }
  relieve_memory();
  for (;;) {
    auto fresh = read(index, more);
    if (fresh.ok() || fresh.error() != Errno::kENOMEM || !relieve_exhausted_memory()) {
      if (fresh.ok() && major != nullptr) {
        *major = inode_->reads_pages();
      }
      return fresh;
    }
  }
}

/// Frames that are being read, and the room that the file system has been asked for.
class PageCache::Incoming : NonCopyable {
 public:
  explicit Incoming(Inode& inode) : inode_(inode) {}
  ~Incoming() {
    for (Frame* const frame : frames()) {
      if (frame != nullptr) {
        put_frame(frame);
        inode_.release_pages(1);
      }
    }
  }
  KResult<void> add() {
    TRY(inode_.reserve_page());
    const auto frame = alloc_frame(ZeroIt::kNo, FrameUse::kPageCache);
    if (!frame.ok()) {
      inode_.release_pages(1);
      return Err(frame.error());
    }
    frames_[count_++] = frame.value();
    return {};
  }
  Span<Frame* const> frames() const { return {frames_, count_}; }
  /// With its room.
  FrameRef take(usize place) { return FrameRef::adopt(std::exchange(frames_[place], nullptr)); }

 private:
  Inode& inode_;
  Frame* frames_[kReadWindowPages];
  usize count_ = 0;
};

/// The missing pages around a missing one that are worth reading with it.
PageCache::Window PageCache::window_of(u64 index, ReadMore more) const {
  Window window{index, index + 1};
  const bool in_order = index == 0 || peek(index - 1) != nullptr;
  if (more == ReadMore::kNothing || (more == ReadMore::kIfInOrder && !in_order) ||
      memory_stats().free() < kFreeForMore) {
    return window;
  }
  const u64 start = align_down(index, kReadWindowPages);
  const auto is_missing = [this](u64 at) {
    return peek(at) == nullptr && at << kPageShift < inode_->size() && inode_->can_read_again(at);
  };
  while (more == ReadMore::kAround && window.first > start && is_missing(window.first - 1)) {
    window.first--;
  }
  while (window.end < start + kReadWindowPages && is_missing(window.end)) {
    window.end++;
  }
  return window;
}

/// A page that was not there when the caller looked.
KResult<FrameRef> PageCache::read(u64 index, ReadMore more) {
  for (;;) {
    const Window window = window_of(index, more);
    auto frame = read_window(index, window);
    if (frame.ok() ? static_cast<bool>(frame.value()) : window.end - window.first == 1) {
      return frame;
    }
    more = ReadMore::kNothing;  // what fails, or changes on the way, may do so because of the others
  }
}

/// An empty reference when these pages changed in the backing store meanwhile, so that what came of it is
/// worth nothing.
KResult<FrameRef> PageCache::read_window(u64 index, Window window) {
  Incoming incoming(*inode_);
  for (u64 at = window.first; at < window.end; at++) {
    TRY(incoming.add());
  }
  Reading reading{.first = window.first, .end = window.end, .outdated = false, .node = {}};
  reading_.push_back(reading);
  TRY(inode_->read_pages(window.first, incoming.frames()));
  if (Frame* const present = index_.find(index); present != nullptr) {
    return FrameRef::share(present);  // another thread was first while reading slept
  }
  if (reading.outdated) {
    return FrameRef();
  }
  FrameRef wanted;
  const ReclaimPause pause;  // giving up a page of this file would change the index on the way
  for (u64 at = window.first; at < window.end; at++) {
    if (index_.find(at) != nullptr) {
      continue;
    }
    auto inserted = insert(at, incoming.take(at - window.first));
    if (at == index) {
      wanted = TRY(std::move(inserted));
    }
  }
  return wanted;
}

/// The frame comes with its room, which goes back if there is none for it in the index.
KResult<FrameRef> PageCache::insert(u64 index, FrameRef frame) {
  if (const auto inserted = index_.insert(index, frame.get()); !inserted.ok()) {
    inode_->release_pages(1);
    return Err(inserted.error());
  }
  frame->mapping = this;
  frame->index = index;
  get_frame(frame.get());
  if (inode_->can_read_again(index)) {
    add_reclaimable(*frame.get());
  }
  return frame;
}

/// Pages [first, last] of it, or what of them is the file. Only reads of those are made anew: else a writer
/// elsewhere in the file could keep readers from ever getting theirs.
void PageCache::note_store_change(u64 first, u64 last) {
  for (Reading& reading : reading_) {
    reading.outdated |= first < reading.end && reading.first <= last;
  }
}

void PageCache::mark_dirty(Frame& frame) {
  if ((frame.flags & kFrameDirty) == 0 && !inode_->lives_in_memory()) {
    note_dirty_page();
    g_stats.dirty++;
  }
  frame.flags |= kFrameDirty;
}

void PageCache::mark_clean(Frame& frame) {
  if ((frame.flags & kFrameDirty) != 0 && !inode_->lives_in_memory()) {
    g_stats.dirty--;
  }
  frame.flags &= static_cast<u16>(~kFrameDirty);
}

KResult<void> PageCache::write_back(u64 first, u64 last) {
  if (inode_->lives_in_memory()) {
    return {};
  }
  const MutexGuard guard(writing_);
  for (auto entry = index_.next(first); entry.item != nullptr && entry.index <= last;
       entry = entry.index == last ? PageIndex<Frame>::Entry{} : index_.next(entry.index + 1)) {
    if ((entry.item->flags & kFrameDirty) == 0) {
      continue;
    }
    const FrameRef pin = FrameRef::share(entry.item);
    // Clean before it is written: a store that comes meanwhile makes it dirty again.
    for_each_mapping(entry.index, entry.index,
                     [&](FileMapping& mapping) { mapping.write_protect_pages(entry.index, entry.index); });
    mark_clean(*pin.get());
    g_stats.writing++;
    const auto written = inode_->write_page(entry.index, *pin.get());
    g_stats.writing--;
    note_store_change(entry.index, entry.index);
    if (!written.ok()) {
      if (pin->mapping == this && (pin->flags & kFrameDirty) == 0) {
        pin->flags |= kFrameDirty;  // not for the flusher: it would come back to it for ever
        g_stats.dirty++;
      }
      return written.error() == Errno::kENOSPC ? Err(Errno::kENOSPC) : Err(Errno::kEIO);
    }
    trace(TraceEventId::k_writeback, inode_->number(), entry.index, frame_pfn(pin.get()));
  }
  return {};
}

void PageCache::truncate(u64 new_size) {
  // mmap(2), SIGBUS: beyond the end there is nothing, private copies included.
  drop((new_size + kPageBytes - 1) >> kPageShift, ~u64{0}, PrivateCopies::kDrop);
  if (const u64 tail = new_size & (kPageBytes - 1); tail != 0) {
    note_store_change(new_size >> kPageShift, new_size >> kPageShift);
    zero_range(new_size >> kPageShift, tail, kPageBytes);
  }
}

void PageCache::drop(u64 first, u64 last, PrivateCopies copies) {
  note_store_change(first, last);
  for_each_mapping(first, last, [&](FileMapping& mapping) {
    mapping.unmap_pages(std::max(first, mapping.first), std::min(last, mapping.last), copies);
  });
  u64 dropped = 0;
  for (auto entry = index_.next(first); entry.item != nullptr && entry.index <= last;
       entry = index_.next(entry.index)) {
    remove(entry.index, entry.item);
    dropped++;
  }
  if (dropped != 0) {
    inode_->release_pages(dropped);
  }
}

bool PageCache::unmap_idle_page(u64 index) {
  bool needed = false;
  for_each_mapping(index, index, [&](FileMapping& mapping) { needed |= mapping.needs_page(index); });
  if (!needed) {
    for_each_mapping(index, index,
                     [&](FileMapping& mapping) { mapping.unmap_pages(index, index, PrivateCopies::kKeep); });
  }
  return !needed;
}

void PageCache::give_up(Frame& frame) {
  ASSERT((frame.flags & kFrameDirty) == 0 && frame.references == 1);
  const u64 index = frame.index;
  trace(TraceEventId::k_reclaim, inode_->number(), index, frame_pfn(&frame));
  remove(index, &frame);
  inode_->release_pages(1);
}

void PageCache::remove(u64 index, Frame* frame) {
  remove_reclaimable(*frame);
  index_.erase(index);
  mark_clean(*frame);
  frame->mapping = nullptr;
  put_frame(frame);
}

void PageCache::zero_range(u64 index, u64 from, u64 to) {
  if (Frame* const frame = index_.find(index); frame != nullptr && from < to) {
    memset(frame_data(frame) + from, 0, to - from);
    mark_dirty(*frame);
  }
}

void PageCache::add_mapping(FileMapping& mapping, u64 first, u64 last) {
  mapping.first = first;
  mapping.last = last;
  mappings_.insert(mapping);
}

void PageCache::remove_mapping(FileMapping& mapping) { mappings_.erase(mapping); }

void PageCache::check() const {
  usize seen = 0;
  for (auto entry = index_.next(0); entry.item != nullptr; entry = index_.next(entry.index + 1)) {
    ASSERT(entry.item->mapping == this && entry.item->index == entry.index);
    ASSERT(entry.item->references > 0 && entry.item->use == FrameUse::kPageCache);
    seen++;
  }
  ASSERT(seen == index_.size());
}

}  // namespace kernel
