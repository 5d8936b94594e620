#include "guest/fs/page_cache.h"

#include <cstring>

#include "guest/drivers/trace.h"
#include "guest/fs/flusher.h"
#include "guest/fs/reclaim.h"

namespace kernel {

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

KResult<FrameRef> PageCache::get(u64 index, bool* major) {
  if (major != nullptr) {
    *major = false;
  }
  if (FrameRef present = find(index)) {
    return present;
  }
  relieve_memory();
  for (;;) {
    auto fresh = read(index);
    if (fresh.ok() || fresh.error() != Errno::kENOMEM || !relieve_exhausted_memory()) {
      if (fresh.ok() && major != nullptr) {
        *major = inode_.reads_pages();
      }
      return fresh;
    }
  }
}

/// A page that was not there when the caller looked.
KResult<FrameRef> PageCache::read(u64 index) {
  TRY(inode_.reserve_page());
  ScopeExit unreserve([this] { inode_.release_pages(1); });
  FrameRef fresh = FrameRef::adopt(TRY(alloc_frame(ZeroIt::kNo, FrameUse::kPageCache)));
  TRY(inode_.read_page(index, *fresh.get()));
  if (Frame* const present = index_.find(index); present != nullptr) {
    return FrameRef::share(present);  // another thread was first while reading slept
  }
  {
    const ReclaimPause pause;  // giving up a page of this file would change the index on the way
    TRY(index_.insert(index, fresh.get()));
  }
  unreserve.dismiss();
  fresh->mapping = this;
  fresh->index = index;
  get_frame(fresh.get());
  if (inode_.can_read_again(index)) {
    add_reclaimable(*fresh.get());
  }
  return fresh;
}

void PageCache::mark_dirty(Frame& frame) {
  if ((frame.flags & kFrameDirty) == 0 && !inode_.lives_in_memory()) {
    note_dirty_page();
  }
  frame.flags |= kFrameDirty;
}

KResult<void> PageCache::write_back(u64 first, u64 last) {
  if (inode_.lives_in_memory()) {
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
    pin->flags &= static_cast<u16>(~kFrameDirty);
    const auto written = inode_.write_page(entry.index, *pin.get());
    if (!written.ok()) {
      pin->flags |= kFrameDirty;
      return written.error() == Errno::kENOSPC ? Err(Errno::kENOSPC) : Err(Errno::kEIO);
    }
    trace(TraceEventId::k_writeback, inode_.number(), entry.index, frame_pfn(pin.get()));
  }
  return {};
}

void PageCache::truncate(u64 new_size) {
  // mmap(2), SIGBUS: beyond the end there is nothing, private copies included.
  drop((new_size + kPageBytes - 1) >> kPageShift, ~u64{0}, PrivateCopies::kDrop);
  if (const u64 tail = new_size & (kPageBytes - 1); tail != 0) {
    zero_range(new_size >> kPageShift, tail, kPageBytes);
  }
}

void PageCache::drop(u64 first, u64 last, PrivateCopies copies) {
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
    inode_.release_pages(dropped);
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
  trace(TraceEventId::k_reclaim, inode_.number(), index, frame_pfn(&frame));
  remove(index, &frame);
  inode_.release_pages(1);
}

void PageCache::remove(u64 index, Frame* frame) {
  remove_reclaimable(*frame);
  index_.erase(index);
  frame->mapping = nullptr;
  frame->flags &= static_cast<u16>(~kFrameDirty);
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
