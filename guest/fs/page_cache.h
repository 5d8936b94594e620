// PageCache: the pages of one file that are in memory, and the mappings of that file.
//
// One cache for read, write and mappings. Invariants: at most one frame for an index; the cache holds
// one reference to each, whose Frame::mapping is this cache and Frame::index its place; a page that some
// address space maps writable and shared is dirty. Lock: the cache's, inside the inode's lock, outside
// the frames' (today: no preemption; only reading and writing the backing store may sleep). `writing_` is
// that lock for write_back(), and outside those of the backing store.
#pragma once

#include "guest/fs/frame_ref.h"
#include "guest/fs/inode.h"
#include "guest/fs/interval_tree.h"
#include "guest/fs/page_index.h"
#include "guest/lib/intrusive.h"

namespace kernel {

/// Whether pages that a private mapping has copied go when the file's own do: beyond a new end yes, for a
/// hole no.
enum class PrivateCopies : u8 { kKeep, kDrop };

/// Part of a file that an address space maps: what truncation and write-back need to know of it.
class FileMapping : public Interval {
 public:
  /// Removes the pages [first, last] of the file from the address space.
  virtual void unmap_pages(u64 first, u64 last, PrivateCopies copies) = 0;
  /// Takes write permission from them, so that the next write asks page_mkwrite again.
  virtual void write_protect_pages(u64 first, u64 last) = 0;
  /// Whether the page must stay (mlock(2)), or has been accessed since this was asked last.
  virtual bool needs_page(u64 index) = 0;

 protected:
  ~FileMapping() = default;
};

/// Pages of files that have a backing store, in all caches.
struct PageCacheStats {
  u64 dirty = 0;    ///< newer than it
  u64 writing = 0;  ///< on their way to it
};
const PageCacheStats& page_cache_stats();

/// What else is read from the backing store when a page is missing, of the aligned window that it lies in:
/// the same 64 KiB that a read fault maps (AddressSpace::map_around).
inline constexpr u64 kReadWindowPages = 16;
enum class ReadMore : u8 {
  kNothing,    ///< the page is looked at alone, or about to be written
  kIfInOrder,  ///< the pages behind it, for who begins at the start or goes on from a page that is there
  kAround,     ///< the pages on both sides, for who jumps about near to it: a mapping
};

class PageCache : NonCopyable {
 public:
  explicit PageCache(Inode& inode) : inode_(&inode) {}
  ~PageCache();

  Inode& inode() const { return *inode_; }
  usize pages() const { return index_.size(); }

  /// The page if it is there.
  FrameRef find(u64 index) const;
  /// The same without a reference of the caller's, for a look that does not sleep; it is no use of the page.
  Frame* peek(u64 index) const { return index_.find(index); }
  /// The page, made or read when missing. `major` (may be null) tells that it was read. ENOSPC, EIO, ENOMEM.
  KResult<FrameRef> get(u64 index, ReadMore more = ReadMore::kNothing, bool* major = nullptr);
  /// The first page at or after `from` that is there; a null frame when there is none.
  PageIndex<Frame>::Entry next_present(u64 from) const { return index_.next(from); }

  void mark_dirty(Frame& frame);
  /// Writes the dirty pages of [first, last] to the backing store; one thread at a time, so that pages which
  /// another one is writing are there as well afterwards.
  KResult<void> write_back(u64 first, u64 last);
  /// Held, nobody writes back: for who changes the backing store's size and the file's in two steps.
  Mutex& writing() { return writing_; }

  /// The file is `new_size` bytes long from now on: drops and unmaps pages beyond, zeroes the tail of the
  /// last.
  void truncate(u64 new_size);
  /// Takes a clean page from the mappings that have not used it of late; false when one of them has.
  bool unmap_idle_page(u64 index);
  /// Drops a clean page that nobody else holds: it can be read again.
  void give_up(Frame& frame);
  /// Makes whole pages [first, last] a hole.
  void drop(u64 first, u64 last, PrivateCopies copies = PrivateCopies::kKeep);
  /// Zeroes bytes of a page that is there.
  void zero_range(u64 index, u64 from, u64 to);

  /// The reverse map: address spaces report which pages they map. Not for their locks: callers hold the mmap
  /// lock.
  void add_mapping(FileMapping& mapping, u64 first, u64 last);
  void remove_mapping(FileMapping& mapping);
  bool mapped() const { return !mappings_.empty(); }
  /// Calls `fn(FileMapping&)` for each mapping that overlaps pages [first, last].
  template <class Fn>
  void for_each_mapping(u64 first, u64 last, Fn fn) {
    mappings_.for_each_overlap(first, last,
                               [&fn](Interval& interval) { fn(static_cast<FileMapping&>(interval)); });
  }
  /// Shared mappings that may write; memory seals ask.
  u32 writable_mappings = 0;

  /// Panics when frames and index disagree. For debug builds and tests.
  void check() const;

 private:
  friend struct Description;
  struct Window {
    u64 first;
    u64 end;
  };
  /// Pages that are on their way from the backing store; on the stack of who reads them.
  struct Reading {
    u64 first;
    u64 end;
    bool outdated;  ///< the store changed meanwhile
    AutoListNode node;
  };
  class Incoming;
  Window window_of(u64 index, ReadMore more) const;
  KResult<FrameRef> read(u64 index, ReadMore more);
  KResult<FrameRef> read_window(u64 index, Window window);
  KResult<FrameRef> insert(u64 index, FrameRef frame);
  void note_store_change(u64 first, u64 last);
  void mark_clean(Frame& frame);
  void remove(u64 index, Frame* frame);

  Inode* inode_;
  Mutex writing_;
  PageIndex<Frame> index_;
  AutoList<Reading, &Reading::node> reading_;
  IntervalTree mappings_;
};

}  // namespace kernel
