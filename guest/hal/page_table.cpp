#include "guest/hal/page_table.h"

#include <utility>

#include "guest/hal/asid.h"
#include "guest/hal/fence.h"
#include "guest/lib/memory_ops.h"

namespace kernel {

namespace {

constexpr unsigned kRootLevel = kSv39Levels - 1;
/// Of these a stale entry would allow what the table no longer does, or lose a dirty bit.
constexpr u64 kFencedFlags = kPteRead | kPteWrite | kPteExecute | kPteUser | kPteDirty;

TableAllocator g_allocator;

constexpr u64 with_implied(u64 flags) {
  return flags | kPteValid | kPteAccessed | ((flags & kPteWrite) != 0 ? u64{kPteDirty} : 0);
}

bool is_downgrade(Pte old, Pte now) {
  return old.valid() &&
         (!now.valid() || old.ppn() != now.ppn() || (old.flags() & ~now.flags() & kFencedFlags) != 0);
}

bool is_table(Pte pte) { return pte.valid() && !pte.leaf(); }

/// What "a moment" is: last-level tables of which every entry is looked at.
constexpr usize kTablesAtATime = 8;

/// Most entries are empty: eight at a look.
bool is_empty_group(const Pte* group) {
  return (group[0].raw | group[1].raw | group[2].raw | group[3].raw | group[4].raw | group[5].raw |
          group[6].raw | group[7].raw) == 0;
}

/// Calls `fn(entry) -> bool` for those of the first `count` entries that lead to tables, as long as it says
/// true.
template <class Fn>
bool for_each_table(Pte* entries, unsigned count, Fn fn) {
  for (Pte* group = entries; group != entries + count; group += 8) {
    if (is_empty_group(group)) {
      continue;
    }
    for (Pte* pte = group; pte != group + 8; pte++) {
      if (is_table(*pte) && !fn(*pte)) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace

void set_table_allocator(const TableAllocator& allocator) { g_allocator = allocator; }

PageTable& kernel_page_table() {
  static PageTable table;
  return table;
}

/// Collects the pages whose stale entries must go: a few are fenced one by one, many with the whole space.
class PageTable::FenceBatch {
 public:
  explicit FenceBatch(const PageTable& table) : table_(table) {}
  void add(VirtAddr va) {
    if (count_ < kPages) {
      pages_[count_] = va;
    }
    count_++;
  }
  void finish() {
    if (count_ == 0 || !table_.may_be_cached()) {
      return;
    }
    if (count_ > kPages) {
      fence_space(table_.asid_.number);
      return;
    }
    for (usize i = 0; i < count_; i++) {
      fence_page(pages_[i], table_.asid_.number);
    }
  }

 private:
  static constexpr usize kPages = 16;
  const PageTable& table_;
  VirtAddr pages_[kPages];
  usize count_ = 0;
};

bool PageTable::may_be_cached() const { return asid_is_live(asid_, root_); }

KResult<PhysAddr> PageTable::allocate_table() {
  const PhysAddr table = TRY(g_allocator.allocate());
  table_frames_++;
  return table;
}

void PageTable::free_table(PhysAddr table) {
  table_frames_--;
  g_allocator.free(table);
}

KResult<void> PageTable::create_kernel() {
  ASSERT(!created());
  root_ = TRY(allocate_table());
  return {};
}

KResult<void> PageTable::create() {
  TRY(create_kernel());
  copy_memory(entries(root_) + kKernelRootFirst, entries(kernel_page_table().root_) + kKernelRootFirst,
              (kPtesPerPage - kKernelRootFirst) * sizeof(Pte));
  return {};
}

bool PageTable::destroy_part() {
  if (!created()) {
    return true;
  }
  if (active_root() == root_) {
    kernel_page_table().activate();
  }
  // The ASID is not used again before a full fence, so nothing stale of this table can be met.
  usize left = kTablesAtATime * 8;  // of them nothing is looked at
  const auto free_last = [&](Pte& entry) {
    if (left == 0) {
      return false;
    }
    left--;
    free_table(std::exchange(entry, Pte()).address());
    return true;
  };
  const bool done = for_each_table(entries(root_), kKernelRootFirst, [&](Pte& entry) {
    const bool emptied = for_each_table(entries(entry.address()), kPtesPerPage, free_last);
    if (emptied) {
      free_table(std::exchange(entry, Pte()).address());
    }
    return emptied;
  });
  if (done) {
    free_table(root_);
    root_ = PhysAddr();
    asid_ = {};
  }
  return done;
}

KResult<Pte*> PageTable::make_slot(VirtAddr va, unsigned level) {
  Pte* table = entries(root_);
  for (unsigned at = kRootLevel; at > level; at--) {
    Pte& pte = table[pte_index(va, at)];
    if (!pte.valid()) {
      pte = Pte::make(TRY(allocate_table()), kPteValid);
    } else if (pte.leaf()) {
      return Err(Errno::kEEXIST);
    }
    table = entries(pte.address());
  }
  return &table[pte_index(va, level)];
}

KResult<void> PageTable::reserve_table(VirtAddr va) {
  TRY(make_slot(va, kRootLevel - 1));
  return {};
}

KResult<void> PageTable::reserve_last_table(VirtAddr va) {
  TRY(make_slot(va, 0));
  return {};
}

Pte* PageTable::find_slot(VirtAddr va) const {
  Pte* table = entries(root_);
#pragma GCC unroll 4
  for (unsigned level = kRootLevel; level > 0; level--) {
    const Pte pte = table[pte_index(va, level)];
    if (!is_table(pte)) {
      return nullptr;
    }
    table = entries(pte.address());
  }
  return &table[pte_index(va, 0)];
}

KResult<void> PageTable::map(VirtAddr va, PhysAddr pa, u64 flags, unsigned level) {
  ASSERT(is_aligned(va.value | pa.value, level_bytes(level)));
  Pte* slot = level == 0 ? find_slot(va) : nullptr;
  if (slot == nullptr) {
    slot = TRY(make_slot(va, level));
  }
  if (slot->valid()) {
    return Err(Errno::kEEXIST);
  }
  *slot = Pte::make(pa, with_implied(flags));
  return {};
}

Pte PageTable::with_implied_flags(Pte wanted) {
  return Pte::make(wanted.address(), with_implied(wanted.flags()));
}

KResult<void> PageTable::replace(VirtAddr va, PhysAddr pa, u64 flags) {
  Pte* const slot = TRY(make_slot(va, 0));
  const Pte old = *slot;
  *slot = Pte::make(pa, with_implied(flags));
  if (is_downgrade(old, *slot)) {
    fence(va);
  }
  return {};
}

void PageTable::exchange(VirtAddr va, PhysAddr pa, u64 flags) {
  Pte* const slot = find_slot(va);
  ASSERT(slot != nullptr && slot->valid());
  *slot = Pte::make(pa, with_implied(flags));
  fence(va);
}

Leaf PageTable::unmap(VirtAddr va) {
  Pte* const slot = find_slot(va);
  if (slot == nullptr || !slot->valid()) {
    return {};
  }
  const Leaf old{*slot, 0};
  *slot = Pte();
  fence(va);
  return old;
}

Leaf PageTable::lookup(VirtAddr va) const {
  const Pte* table = entries(root_);
#pragma GCC unroll 4
  for (unsigned level = kRootLevel; level > 0; level--) {
    const Pte pte = table[pte_index(va, level)];
    if (!pte.valid()) {
      return {};
    }
    if (pte.leaf()) {
      return {pte, level};
    }
    table = entries(pte.address());
  }
  const Pte pte = table[pte_index(va, 0)];
  ASSERT(!pte.valid() || pte.leaf());
  return {pte.valid() ? pte : Pte(), 0};
}

void PageTable::fence(VirtAddr va) {
  if (this == &kernel_page_table()) {
    fence_kernel_page(va);
  } else if (may_be_cached()) {
    fence_page(va, asid_.number);
  }
}

VirtAddr PageTable::update_leaves(VirtAddr start, VirtAddr end, const Visitor& visitor) {
  ASSERT(end.value <= kSv39UserTop && is_aligned(start.value | end.value, kPageBytes));
  FenceBatch fences(*this);
  VirtAddr va = start;
  for (usize tables = 0; va < end && tables < kTablesAtATime;) {
    Pte* slot = find_slot(va);
    if (slot == nullptr) {
      va = next_table(va);
      continue;
    }
    tables++;
    const VirtAddr table_end = std::min(end, VirtAddr(align_up(va.value + 1, level_bytes(1))));
    for (; va < table_end; va += kPageBytes, slot++) {
      const Pte old = *slot;
      if (!old.valid()) {
        continue;
      }
      const Pte now = visitor.call(visitor.context, va, old);
      if (now == old) {
        continue;
      }
      *slot = now;
      if (is_downgrade(old, now)) {
        fences.add(va);
      }
    }
  }
  fences.finish();
  return std::min(va, end);
}

/// The first address behind `va` whose last-level table may exist, given that the one of `va` does not.
VirtAddr PageTable::next_table(VirtAddr va) const {
  const bool no_middle = !is_table(entries(root_)[pte_index(va, kRootLevel)]);
  return VirtAddr(align_up(va.value + 1, level_bytes(no_middle ? kRootLevel : 1)));
}

KResult<VirtAddr> PageTable::copy_leaves(PageTable& from, VirtAddr start, VirtAddr end,
                                         const Copier& copier) {
  ASSERT(end.value <= kSv39UserTop && is_aligned(start.value | end.value, kPageBytes));
  FenceBatch fences(from);
  VirtAddr va = start;
  for (usize tables = 0; va < end && tables < kTablesAtATime;) {
    Pte* slot = from.find_slot(va);
    if (slot == nullptr) {
      va = from.next_table(va);
      continue;
    }
    tables++;
    Pte* child_table = nullptr;
    const VirtAddr table_end = std::min(end, VirtAddr(align_up(va.value + 1, level_bytes(1))));
    for (; va < table_end; va += kPageBytes, slot++) {
      if (!slot->valid()) {
        continue;
      }
      if (child_table == nullptr) {
        const auto made = make_slot(VirtAddr(align_down(va.value, level_bytes(1))), 0);
        if (!made.ok()) {
          fences.finish();
          return Err(made.error());
        }
        child_table = made.value();
      }
      const CopiedLeaf copied = copier.call(copier.context, va, *slot);
      if (is_downgrade(*slot, copied.parent)) {
        fences.add(va);
      }
      *slot = copied.parent;
      Pte& child_slot = child_table[pte_index(va, 0)];
      ASSERT(!child_slot.valid());
      child_slot = copied.child;
    }
  }
  fences.finish();
  return std::min(va, end);
}

/// The walker may have cached the way to the table: fence before its frame can become something else.
void PageTable::drop_table(Pte& entry) {
  const PhysAddr table = std::exchange(entry, Pte()).address();
  if (may_be_cached()) {
    fence_space(asid_.number);
  }
  free_table(table);
}

VirtAddr PageTable::trim_part(VirtAddr start, VirtAddr end) {
  const u64 span = level_bytes(1);
  const u64 root_span = level_bytes(kRootLevel);
  const auto all_empty = [this](Pte pte) {
    const Pte* const table = entries(pte.address());
    for (const Pte* group = table; group != table + kPtesPerPage; group += 8) {
      if (!is_empty_group(group)) {
        return false;
      }
    }
    return true;
  };
  u64 at = align_up(start.value, span);
  for (usize tables = 0; at + span <= end.value && tables < kTablesAtATime;) {
    Pte& root_entry = entries(root_)[pte_index(VirtAddr(at), kRootLevel)];
    if (!is_table(root_entry)) {
      at = align_down(at, root_span) + root_span;
      continue;
    }
    Pte& entry = entries(root_entry.address())[pte_index(VirtAddr(at), 1)];
    if (is_table(entry)) {
      tables++;
      if (all_empty(entry)) {
        drop_table(entry);
      }
    }
    at += span;
    // The last of the tables below has been looked at, now or in an earlier part.
    if (is_aligned(at, root_span) && all_empty(root_entry)) {
      drop_table(root_entry);
    }
  }
  return at + span <= end.value ? VirtAddr(at) : end;
}

void PageTable::activate() {
  if (this == &kernel_page_table()) {
    activate_kernel_root(root_);
  } else {
    activate_root(asid_, root_);
  }
}

}  // namespace kernel
