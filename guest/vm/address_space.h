// AddressSpace: the user memory of a process.
//
// Invariants (check() verifies them): VMAs are sorted, disjoint, page-aligned and merged where they can
// be; a present page lies in a VMA that allows it; each present page holds one reference to its frame; a
// frame with several private holders is mapped read-only in all of them. Locks: `lock_` is the mmap lock,
// taken by every public function; order: mmap lock > inode lock > page cache > frames.
#pragma once

#include "guest/hal/page_table.h"
#include "guest/hal/trap.h"
#include "guest/sched/thread.h"
#include "guest/vm/fault.h"
#include "guest/vm/layout.h"
#include "guest/vm/vma.h"

namespace kernel {

/// Resource limits that concern memory, in bytes; ~0 is none. The process' own, kept up to date by it.
struct MemoryLimits {
  u64 address_space = ~u64{0};    ///< RLIMIT_AS
  u64 data = ~u64{0};             ///< RLIMIT_DATA
  u64 stack = u64{8} << 20;       ///< RLIMIT_STACK
  u64 locked = u64{8} << 20;      ///< RLIMIT_MEMLOCK
  bool may_exceed_locked = true;  ///< CAP_IPC_LOCK
};

/// Counters for /proc/PID/stat and status, in pages or events.
struct MemoryCounters {
  u64 total_pages = 0;
  u64 peak_total_pages = 0;
  u64 data_pages = 0;  ///< private writable, without stack
  u64 stack_pages = 0;
  u64 exec_pages = 0;
  u64 locked_pages = 0;
  u64 committed_pages = 0;
  u64 rss_anon = 0;
  u64 rss_file = 0;
  u64 rss_shmem = 0;
  u64 peak_rss = 0;
  u64 minor_faults = 0;
  u64 major_faults = 0;
  u64 zero_faults = 0;
  u64 cow_copies = 0;
  u64 cow_reuses = 0;

  u64 rss() const { return rss_anon + rss_file + rss_shmem; }
};

struct MapRequest {
  VirtAddr address{};
  u64 bytes = 0;
  u32 prot = 0;
  u32 flags = 0;  ///< MapFlag
  RefPtr<File> file;
  u64 offset = 0;
};

class AddressSpace : public RefCounted<AddressSpace> {
 public:
  static KResult<RefPtr<AddressSpace>> create(const MemoryLimits& limits);
  ~AddressSpace();
  /// A copy for a child process: private pages become copy-on-write in both. ENOMEM.
  KResult<RefPtr<AddressSpace>> fork();
  /// Removes every mapping (exit; the last user has stopped running in it).
  void clear();

  // --- system calls; arguments as programs pass them. ---
  /// mmap(2): the file, if any, is what the descriptor means (EBADF is the caller's).
  KResult<VirtAddr> map(MapRequest request);
  KResult<void> unmap(VirtAddr start, u64 bytes);
  KResult<void> protect(VirtAddr start, u64 bytes, u32 prot);
  KResult<VirtAddr> remap(VirtAddr old_start, u64 old_bytes, u64 new_bytes, u32 flags, VirtAddr new_start);
  KResult<void> advise(VirtAddr start, u64 bytes, u32 advice);
  KResult<void> sync(VirtAddr start, u64 bytes, u32 flags);
  /// mincore(2) for one chunk: a byte a page into `out`. Takes time for what is there, not for what is not.
  /// ENOMEM.
  KResult<void> residency(VirtAddr start, Span<u8> out);
  /// brk(2): returns the break as it is afterwards; never fails.
  VirtAddr set_break(VirtAddr wanted);
  /// mlock(2), mlock2(2) with `on_fault`, munlock(2), mlockall(2), munlockall(2).
  KResult<void> lock_range(VirtAddr start, u64 bytes, bool on_fault);
  KResult<void> unlock_range(VirtAddr start, u64 bytes);
  KResult<void> lock_all(u32 flags);
  KResult<void> unlock_all();

  // --- for exec ---
  /// The heap starts here, and is empty.
  void set_heap_start(VirtAddr start);
  void set_mmap_top(VirtAddr top) { mmap_top_ = top; }
  /// A stack of `bytes` below `top` that may grow down to the limit. ENOMEM.
  KResult<void> map_stack(VirtAddr top, u64 bytes, bool executable);
  /// Frames of the kernel, anywhere (address 0; then with `room_below_bytes` free right below it) or at a
  /// fixed place. `mapping` must live for ever. EEXIST, ENOMEM.
  KResult<VirtAddr> map_special(VirtAddr address, const SpecialMapping& mapping, u32 prot,
                                u64 room_below_bytes = 0);
  /// Reads or writes another process' memory, or this one's before it runs; permissions of the mappings
  /// count, kForce overrides a missing write permission of private ones (ptrace). Bytes moved before an error
  /// are not undone. EFAULT, ENOMEM.
  enum class Force : u8 { kNo, kYes };
  KResult<void> read(VirtAddr from, ByteSpan to, Force force = Force::kNo);
  KResult<void> write(VirtAddr to, ConstByteSpan from, Force force = Force::kNo);

  // --- running and faults ---
  void activate() { table_.activate(); }
  u64 satp() const { return table_.satp().raw; }
  const PageTable& page_table() const { return table_; }
  /// Answers a page fault at `address`, emits its events; see fault.h.
  FaultAnswer handle_fault(VirtAddr address, Access access, FaultOrigin origin);

  // --- looking ---
  MemoryLimits& limits() { return limits_; }
  const MemoryCounters& counters() const { return counters_; }
  u64 table_frames() const { return table_.table_frames(); }
  VirtAddr heap_start() const { return heap_start_; }
  VirtAddr heap_end() const { return heap_end_; }
  VirtAddr stack_start() const { return stack_top_; }
  /// Of /proc/PID/maps and smaps; file paths are as seen from `root`.
  KResult<void> format_maps(FormatSink& out, const Path& root);
  KResult<void> format_smaps(FormatSink& out, const Path& root, bool rollup);
  /// Entries of /proc/PID/pagemap for pages from `first` on.
  void fill_pagemap(u64 first, Span<u64> out);
  /// A futex word's identity when it is shared between processes: the file and the byte offset in it; for a
  /// private one this space and the address. EFAULT, also in a device's memory.
  struct WordKey {
    const void* object;
    u64 offset;
  };
  KResult<WordKey> shared_word_key(VirtAddr address);
  /// Calls `fn(const Vma&)` in order of addresses, under the mmap lock.
  template <class Fn>
  void for_each_vma(Fn fn) {
    MutexGuard guard(lock_);
    for (VmaRange* at = vmas_.first(); at != nullptr; at = VmaSet::next(*at)) {
      fn(static_cast<const Vma&>(*as_vma(at)));
    }
  }
  usize vma_count() const { return vmas_.size(); }
  /// Panics when an invariant does not hold; see check.h for the check over all spaces.
  void check();

 private:
  friend class Vma;
  friend class SpaceChecker;
  friend struct Description;
  template <class T, class... Args>
  friend KResult<RefPtr<T>> try_make_ref(Args&&... args);
  explicit AddressSpace(const MemoryLimits& limits);

  struct Range {
    VirtAddr start;
    VirtAddr end;
    u64 bytes() const { return end - start; }
  };
  // vma_ops.cpp: the set of VMAs, kept in step with reverse maps and counters.
  Vma* find(VirtAddr address) const { return as_vma(vmas_.find(address)); }
  Vma* find_from(VirtAddr address) const { return as_vma(vmas_.find_from(address)); }
  static Vma* next(Vma& vma) { return as_vma(VmaSet::next(vma)); }
  static Vma* previous(Vma& vma) { return as_vma(VmaSet::previous(vma)); }
  KResult<UniquePtr<Vma>> make_vma();
  KResult<UniquePtr<Vma>> make_like(const Vma& vma, Range range);
  void attach(UniquePtr<Vma> vma);
  UniquePtr<Vma> detach(Vma& vma);
  void set_bounds(Vma& vma, VirtAddr start, VirtAddr end);
  KResult<Vma*> split(Vma& vma, VirtAddr at);
  KResult<void> split_at_bounds(Range range);
  static u64 new_anon_id();
  void prepare_anon(Vma& vma);
  bool may_join(const Vma& below, const Vma& above) const;
  Vma& merge_around(Vma& vma);
  void merge_range(Range range);
  void account(const Vma& vma, i64 sign);
  VirtAddr end_of_mapped(VirtAddr start) const;

  // commit.cpp, map.cpp, unmap.cpp
  static KResult<void> commit(u64 pages);
  KResult<VirtAddr> place(const MapRequest& request, u64 bytes) const;
  KResult<VirtAddr> find_free(u64 bytes) const;
  KResult<u32> check_request(const MapRequest& request, u64 bytes) const;
  KResult<void> check_growth(u64 pages, u32 prot, u32 vma_flags) const;
  KResult<void> check_locking(u64 pages) const;
  KResult<VirtAddr> map_at(MapRequest& request, Range range, u32 vma_flags);
  static KResult<void> attach_file(Vma& vma, const MapRequest& request, u64 bytes, DeviceMap& device);
  KResult<void> map_device_pages(const Vma& vma, PhysAddr address);
  Vma& insert_and_merge(UniquePtr<Vma> vma);
  KResult<void> unmap_locked(Range range);
  void remove_vmas(Range range);

  // protect.cpp, remap.cpp, advise.cpp, lock.cpp
  KResult<Range> range_to_protect(VirtAddr start, VirtAddr end, u32 prot) const;
  KResult<Vma*> cut_out(VirtAddr start, VirtAddr end);
  KResult<void> protect_vma(Vma& vma, u32 prot);
  void update_protection(Vma& vma);
  KResult<VirtAddr> grow_or_move(Vma& vma, Range old_range, u64 new_bytes, u32 flags);
  KResult<VirtAddr> move_vma(Vma& vma, Range old_range, Range new_range, u32 flags);
  KResult<void> move_pages(Range from, VirtAddr to);
  KResult<void> advise_vma(Vma& vma, Range range, u32 advice);
  KResult<void> set_vma_flags(Range range, u32 set, u32 clear);
  static KResult<Range> whole_pages(VirtAddr start, u64 bytes);
  KResult<void> change_lock(Range range, u32 lock_flags);

  // pages.cpp: present pages.
  template <class Fn>
  void update_in_turns(Range range, Fn fn);
  void zap(Vma& vma, Range range, PrivateCopies copies);
  void zap_in_turns(const Vma& vma, Range range);
  void drop_leaf(const Vma& vma, Pte pte);
  void count_page(const Vma& vma, const Frame& frame, i64 sign);
  void write_protect(Range range);
  bool take_accessed(VirtAddr page);
  KResult<void> install(const Vma& vma, VirtAddr page, FrameRef frame, bool writable);
  void exchange_leaf(VirtAddr page, PhysAddr address, u64 flags);
  KResult<void> populate(Range range);
  KResult<void> populate_strict(Range range, Access access);
  void trim_tables(Range removed);

  // fault.cpp
  FaultAnswer fault_locked(VirtAddr address, Access access, const Vma*& vma);
  bool grow_stack(Vma& vma, VirtAddr address);
  FaultAnswer give_page(Vma& vma, VirtAddr page, Access access);
  KResult<FaultAnswer> answer_fault(Vma& vma, VirtAddr page, Access access);
  KResult<FaultAnswer> fault_anonymous(Vma& vma, VirtAddr page, Access access);
  KResult<FaultAnswer> fault_file(Vma& vma, VirtAddr page, Access access);
  KResult<FaultAnswer> install_device_page(const Vma& vma, VirtAddr page, FaultPage found);
  KResult<FaultAnswer> fault_special(Vma& vma, VirtAddr page);
  void map_around(const Vma& vma, VirtAddr page);  // fault_around.cpp
  KResult<FaultAnswer> fault_present(Vma& vma, VirtAddr page, Access access, Pte pte);
  KResult<FaultAnswer> copy_on_write(Vma& vma, VirtAddr page, Pte pte);
  KResult<FaultAnswer> make_shared_writable(Vma& vma, VirtAddr page, Pte pte);
  KResult<FrameRef> copy_of(Vma& vma, VirtAddr page, Frame& original, u32 own_references);
  void note(FaultAnswer answer);

  // access.cpp
  KResult<FrameRef> page_for(VirtAddr page, Access access, Force force);
  template <class Move>
  KResult<void> for_each_part(VirtAddr start, usize bytes, Access access, Force force, Move move);

  // fork.cpp
  KResult<void> copy_to(AddressSpace& child);
  KResult<void> copy_pages(const Vma& vma, AddressSpace& child, const Vma& child_vma);

  Mutex lock_;
  PageTable table_;
  VmaSet vmas_;
  MemoryLimits limits_;
  MemoryCounters counters_;
  VirtAddr mmap_top_ = kUserTop;
  VirtAddr heap_start_{};
  VirtAddr heap_end_{};
  VirtAddr stack_top_{};
  u32 future_lock_flags_ = 0;  // MCL_FUTURE
  ListNode space_node_;        // in the list of all spaces

 public:
  /// Every address space there is, for check_memory().
  using AllSpaces = List<AddressSpace, &AddressSpace::space_node_>;
  static AllSpaces& all();
};

/// PageTable::update_range of what may be gigabytes: others have the hart in between. The mmap lock is held,
/// so the mappings stay as they are; a thread that has been told to end goes on to the end of this.
template <class Fn>
void AddressSpace::update_in_turns(Range range, Fn fn) {
  for (VirtAddr at = range.start; (at = table_.update_part(at, range.end, fn)) < range.end;) {
    (void)give_way();
  }
}

/// The pid that events carry: of the process that runs now. Set once by the layer that knows processes.
void set_current_pid(u32 (*current_pid)());

/// Overcommit (proc(5), /proc/sys/vm/overcommit_memory) and what is committed, in pages.
enum class Overcommit : u8 { kHeuristic = 0, kAlways = 1, kNever = 2 };
struct CommitState {
  Overcommit mode = Overcommit::kHeuristic;
  u64 ratio_percent = 50;
  u64 committed_pages = 0;
  u64 limit_pages() const;
};
CommitState& commit_state();

}  // namespace kernel
