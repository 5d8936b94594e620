// PageTable: one Sv39 page table, and the only writer of its entries.
//
// Invariants: every downgrade (less permission, another frame, no mapping) is fenced before the call
// that made it returns; an upgrade is not (a stale entry faults, and the fault is spurious). Leaves of
// the user half carry kPteUser. It counts no frames: what an entry refers to is the caller's business,
// who may drop a frame inside a callback, because user mode cannot run before the fence.
// Lock: the address space's mmap lock.
#pragma once

#include <algorithm>

#include "guest/hal/asid.h"
#include "guest/hal/layout.h"
#include "guest/lib/panic.h"
#include "guest/lib/result.h"

namespace kernel {

/// Where tables get their frames; set once by the layer that owns memory. Frames come zeroed.
struct TableAllocator {
  KResult<PhysAddr> (*allocate)();
  void (*free)(PhysAddr table);
};
void set_table_allocator(const TableAllocator& allocator);

/// A leaf that maps some address, and the level it stands at (0: 4 KiB, 1: 2 MiB, 2: 1 GiB).
struct Leaf {
  Pte pte;
  unsigned level = 0;

  bool valid() const { return pte.valid(); }
  /// The physical address that `va` has through this leaf.
  PhysAddr address_of(VirtAddr va) const { return pte.address() + (va.value & (level_bytes(level) - 1)); }
};

class PageTable : NonCopyable {
 public:
  PageTable() = default;
  ~PageTable() { destroy(); }

  /// An empty user half under the kernel's half. ENOMEM.
  KResult<void> create();
  /// The kernel's own table: nothing mapped yet. Its upper root entries are what create() copies later.
  KResult<void> create_kernel();
  /// Frees the tables of the user half (not what the leaves refer to). Must not be active.
  void destroy() {
    while (!destroy_part()) {
    }
  }
  /// The same as far as it takes a moment; true when all is done. Nothing but destroying may follow.
  bool destroy_part();
  bool created() const { return root_.value != 0; }

  /// Maps one page of `level`; `flags` are the permissions (V, A and, with W, D are added). The entry must be
  /// empty. EEXIST when it is not, ENOMEM without a frame for a table.
  KResult<void> map(VirtAddr va, PhysAddr pa, u64 flags, unsigned level = 0);
  /// Puts the 4 KiB leaf in place of whatever 4 KiB leaf is there, and fences if there was one. ENOMEM.
  KResult<void> replace(VirtAddr va, PhysAddr pa, u64 flags);
  /// Puts other flags or another frame in place of the 4 KiB leaf that is there, and always fences: a stale
  /// entry would go on answering with the old permissions, also when they are widened.
  void exchange(VirtAddr va, PhysAddr pa, u64 flags);
  /// Removes and returns the 4 KiB leaf; an invalid one when nothing was mapped.
  Leaf unmap(VirtAddr va);
  Leaf lookup(VirtAddr va) const;

  /// What a callback of update_range wants: the new entry (0 unmaps; unchanged keeps).
  /// Calls `fn(va, pte) -> Pte` for each valid leaf of the user half in [start, end), ascending, then fences.
  template <class Fn>
  void update_range(VirtAddr start, VirtAddr end, Fn fn) {
    while (start < end) {
      start = update_part(start, end, fn);
    }
  }
  /// The same as far as it takes a moment, fences included; the result is where to go on, `end` when done.
  template <class Fn>
  VirtAddr update_part(VirtAddr start, VirtAddr end, Fn& fn) {
    const Visitor visitor{&fn, [](void* f, VirtAddr va, Pte pte) { return (*static_cast<Fn*>(f))(va, pte); }};
    return update_leaves(start, end, visitor);
  }
  /// Maps what is not mapped of [start, end), which lies in one last-level table that is there: `fn(va) ->
  /// Pte` gives frame and permissions, an invalid entry leaves a gap.
  template <class Fn>
  void fill(VirtAddr start, VirtAddr end, Fn fn) {
    Pte* slot = find_slot(start);
    ASSERT(slot != nullptr && pte_index(end - kPageBytes, 0) >= pte_index(start, 0));
    for (VirtAddr va = start; va < end; va += kPageBytes, slot++) {
      if (!slot->valid()) {
        if (const Pte wanted = fn(va); wanted.raw != 0) {
          *slot = with_implied_flags(wanted);
        }
      }
    }
  }
  /// The same as update_range without change: `fn(va, pte)`.
  template <class Fn>
  void for_each_leaf(VirtAddr start, VirtAddr end, Fn fn) const {
    const_cast<PageTable*>(this)->update_range(start, end, [&fn](VirtAddr va, Pte pte) {
      fn(va, pte);
      return pte;
    });
  }
  /// For fork: calls `fn(va, pte) -> CopiedLeaf` for each leaf of `from` in [start, end); stores `parent`
  /// there (fenced) and `child` here (0: none). On ENOMEM leaves already copied stay: unmap them to undo.
  struct CopiedLeaf {
    Pte parent;
    Pte child;
  };
  template <class Fn>
  KResult<void> copy_range(PageTable& from, VirtAddr start, VirtAddr end, Fn fn) {
    while (start < end) {
      start = TRY(copy_part(from, start, end, fn));
    }
    return {};
  }
  /// The same as far as it takes a moment; the result is where to go on, `end` when done.
  template <class Fn>
  KResult<VirtAddr> copy_part(PageTable& from, VirtAddr start, VirtAddr end, Fn& fn) {
    const Copier copier{&fn, [](void* f, VirtAddr va, Pte pte) { return (*static_cast<Fn*>(f))(va, pte); }};
    return copy_leaves(from, start, end, copier);
  }
  /// Frees tables without entries inside [start, end) (after large unmaps). Whole spans only.
  void trim(VirtAddr start, VirtAddr end) {
    while (start < end) {
      start = trim_part(start, end);
    }
  }
  /// The same as far as it takes a moment; the result is where to go on, `end` when done.
  VirtAddr trim_part(VirtAddr start, VirtAddr end);

  /// Makes the table that holds the last level for `va` but one, so that the root entry is final.
  KResult<void> reserve_table(VirtAddr va);
  /// Makes the last-level table for `va`, so that mapping a 4 KiB page there needs no frame for one. ENOMEM.
  KResult<void> reserve_last_table(VirtAddr va);

  /// Makes this the hart's address space (cheap when it is already).
  void activate();
  /// The satp value with the ASID this table has now; 0 in the ASID field before it ran.
  Satp satp() const { return Satp::make(SatpMode::kSv39, asid_.number, root_); }
  PhysAddr root() const { return root_; }
  /// Frames that the tables take, the root included.
  u64 table_frames() const { return table_frames_; }

 private:
  struct Visitor {
    void* context;
    Pte (*call)(void* context, VirtAddr va, Pte pte);
  };
  struct Copier {
    void* context;
    CopiedLeaf (*call)(void* context, VirtAddr va, Pte pte);
  };
  class FenceBatch;

  static Pte with_implied_flags(Pte wanted);
  Pte* entries(PhysAddr table) const { return phys_to_virt<Pte>(table); }
  KResult<PhysAddr> allocate_table();
  void free_table(PhysAddr table);
  /// The slot for `va` at `level`, tables made on the way; EEXIST when a larger leaf is in the way.
  KResult<Pte*> make_slot(VirtAddr va, unsigned level);
  /// The slot of the 4 KiB leaf, or null when its table is missing.
  Pte* find_slot(VirtAddr va) const;
  VirtAddr update_leaves(VirtAddr start, VirtAddr end, const Visitor& visitor);
  KResult<VirtAddr> copy_leaves(PageTable& from, VirtAddr start, VirtAddr end, const Copier& copier);
  VirtAddr next_table(VirtAddr va) const;
  void drop_table(Pte& entry);
  void fence(VirtAddr va);
  bool may_be_cached() const;

  PhysAddr root_{};
  u64 table_frames_ = 0;
  Asid asid_;
};

/// The table of the kernel half. Active in kernel threads only as part of whatever user half was there.
PageTable& kernel_page_table();

}  // namespace kernel
