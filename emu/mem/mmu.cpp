#include "emu/mem/mmu.h"

#include <algorithm>
#include <cstring>

#include "emu/base/assert.h"
#include "emu/mem/observer.h"

namespace quire {
namespace {

u64 bytes_left_in_page(VirtAddr va) { return kPageBytes - (va.value & (kPageBytes - 1)); }
u16 asid_of(const MemoryMode& mode) { return static_cast<u16>(mode.satp.asid()); }

}  // namespace

Mmu::Mmu(Bus& bus, FastTlb& fast, const TlbConfig& config, DeviceCallObserver* device_observer)
    : bus_(bus), fast_(fast), tlb_(config), device_observer_(device_observer) {
  fast_.clear();
}

template <class Call>
bool Mmu::call_device(Call&& call) {
  // Devices may throw what a user's sink or stream threw.
  struct Bracket {
    DeviceCallObserver* observer;
    explicit Bracket(DeviceCallObserver* o) : observer(o) {
      if (observer != nullptr) observer->before_device();
    }
    ~Bracket() {
      if (observer != nullptr) observer->after_device();
    }
  };
  const Bracket bracket(device_observer_);
  return call();
}

void Mmu::reset() {
  tlb_ = Tlb(tlb_.config());
  pmp_ = {};
  fast_.clear();
}

void Mmu::transfer(StateArchive& archive) {
  tlb_.transfer(archive);
  pmp_.transfer(archive);
  if (archive.loading()) fast_.clear();
}

MaybeTrap Mmu::translate(const MemoryMode& mode, VirtAddr va, Access access, PhysAddr& address) {
  if (mode.translates()) return translate_through_tlb(mode, va, access, address);
  address = PhysAddr(va.value);
  return {};
}

MaybeTrap Mmu::translate_through_tlb(const MemoryMode& mode, VirtAddr va, Access access, PhysAddr& address) {
  const TlbEntry* entry = tlb_.lookup(va, asid_of(mode), access, sees_every_access());
  if (entry == nullptr) return walk_and_fill(mode, va, access, address);
  if (checker_ != nullptr) checker_->check(*entry, mode, va, access, probe(mode, va, access));
  const WalkFault fault = check_permission(entry->flags, access, mode);
  if (fault != WalkFault::kNone) return Trap{exception_of(fault, access), va.value};
  // D is not set yet: the table must be updated, and is walked anew for that (12.3.1).
  if (access == Access::kWrite && (entry->flags & kPteDirty) == 0) {
    const TlbEntry clean = *entry;
    const MaybeTrap trap = walk_and_fill(mode, va, access, address);
    // A smaller page may answer before it now.
    if (!trap && !tlb_.peek(va, asid_of(mode))->same_page(clean)) forget(clean);
    return trap;
  }
  address = entry->translate(va);
  return {};
}

MaybeTrap Mmu::walk_and_fill(const MemoryMode& mode, VirtAddr va, Access access, PhysAddr& address) {
  const PageWalk found = walk(bus_.ram(), va, access, mode, &pmp_);
  ++tlb_.stats().walks;
  tlb_.stats().pte_reads += found.step_count;
  if (observer_ != nullptr) observer_->on_walk(mode, va, access, found);
  if (found.fault != WalkFault::kNone) return Trap{exception_of(found.fault, access), va.value};
  PteRead leaf = found.leaf();
  const u64 wanted = kPteAccessed | (access == Access::kWrite ? u64{kPteDirty} : 0);
  if ((leaf.pte.raw & wanted) != wanted) {
    // The update is a write of S-mode (3.7.1, 12.3.1).
    if (!pmp_.allows(leaf.address, sizeof(Pte), Access::kWrite, Privilege::kSupervisor))
      return Trap{access_fault(access), va.value};
    leaf.pte.raw |= wanted;
    const bool written = bus_.store(leaf.address, sizeof(Pte), leaf.pte.raw);
    QUIRE_ASSERT(written);
  }
  const auto evicted = tlb_.insert(va, asid_of(mode), leaf.pte, leaf.level);
  if (evicted) forget(*evicted);
  forget_hidden(leaf.pte, leaf.level, va);
  if (observer_ != nullptr) {
    const TlbEntry& filled = *tlb_.peek(va, asid_of(mode));
    // The same page anew, as when D was set, is no eviction.
    if (evicted && !evicted->same_page(filled)) observer_->on_evict(*evicted);
    observer_->on_fill(filled);
  }
  address = leaf_address(leaf.pte, leaf.level, va);
  return {};
}

/// An entry has left the TLB: the fast ones made from it must not outlive it.
void Mmu::forget(const TlbEntry& entry) {
  const VirtAddr first(entry.first_va());
  const bool small = entry.shift == kPageShift;
  if ((entry.flags & kPteGlobal) != 0) {
    small ? fast_.clear_page(first) : fast_.clear_range(first, entry.bytes());
  } else {
    small ? fast_.clear_page(first, entry.asid) : fast_.clear_range(first, entry.bytes(), entry.asid);
  }
}

/// A global entry has come that answers in every address space, and may be found before one of theirs.
void Mmu::forget_hidden(const Pte& leaf, unsigned level, VirtAddr va) {
  if (!leaf.has(kPteGlobal)) return;
  const u64 bytes = u64{1} << leaf_shift(leaf, level);
  if (bytes == kPageBytes) {
    fast_.clear_page(va);
  } else {
    fast_.clear_range(VirtAddr(align_down(va.value, bytes)), bytes);
  }
}

/// Whether loads and stores at `va` are both answered by an entry that leads to `page`. Page tables permit no
/// page to be written and not read (12.3.1), and neither does the PMP; a TLB with a fault may. And D can have
/// been set in another entry than the one that answers first: a global one, or one of a smaller page.
/// Precondition: stores at `va` are permitted.
bool Mmu::may_store_fast(const MemoryMode& mode, VirtAddr va, PhysAddr page) const {
  if (!mode.translates()) return true;
  const TlbEntry& first = *tlb_.peek(va, asid_of(mode));
  constexpr u8 kNeeded = kPteRead | kPteDirty;
  const u64 va_page = align_down(va.value, kPageBytes);
  return (first.flags & kNeeded) == kNeeded && first.translate(VirtAddr(va_page)) == page;
}

void Mmu::fill_fast(const MemoryMode& mode, VirtAddr va, Access access, PhysAddr address) {
  if (mode.translates() && sees_every_access()) return;
  const PhysAddr page(align_down(address.value, kPageBytes));
  if (!pmp_.allows_page(page, access, mode.privilege)) return;
  if (access == Access::kWrite && (bus_.ram().watched(page) || !may_store_fast(mode, va, page))) return;
  const u64 va_page = align_down(va.value, kPageBytes);
  if (!slow_pages_.empty() && std::binary_search(slow_pages_.begin(), slow_pages_.end(), va_page)) return;
  if (access == Access::kWrite) {
    bus_.ram().changed(page);
    bus_.ram().set_stored_fast(page);
  }
  const unsigned bank = FastTlb::bank_index(mode.privilege, mode.sum);
  const u64 payload = reinterpret_cast<u64>(bus_.ram().host(page)) - va_page;
  const bool shared = bank == FastTlb::kSharedBank;
  fast_.fill(bank, access, va_page, payload, shared ? reach(mode, va) : FastTlb::Reach::kThisSpace);
}

MaybeTrap Mmu::load(const MemoryMode& mode, VirtAddr va, unsigned size, u64& out) {
  if (bytes_left_in_page(va) < size) [[unlikely]] {
    return access_across_pages(mode, va, size, Access::kRead, out);
  }
  PhysAddr address;
  if (const MaybeTrap trap = translate(mode, va, Access::kRead, address)) return trap;
  if (!allowed(mode, address, size, Access::kRead)) return Trap{Exception::kLoadAccessFault, va.value};
  if (bus_.ram().contains(address, size)) [[likely]] {
    fill_fast(mode, va, Access::kRead, address);
    bus_.load(address, size, out);
    return {};
  }
  if (!call_device([&] { return bus_.load(address, size, out); })) {
    return Trap{Exception::kLoadAccessFault, va.value};
  }
  return {};
}

MaybeTrap Mmu::store(const MemoryMode& mode, VirtAddr va, unsigned size, u64 value) {
  if (bytes_left_in_page(va) < size) [[unlikely]] {
    return access_across_pages(mode, va, size, Access::kWrite, value);
  }
  PhysAddr address;
  if (const MaybeTrap trap = translate(mode, va, Access::kWrite, address)) return trap;
  if (!allowed(mode, address, size, Access::kWrite)) return Trap{Exception::kStoreAccessFault, va.value};
  const Ram& ram = bus_.ram();
  if (ram.contains(address, size) && !ram.watched(address)) [[likely]] {
    bus_.store(address, size, value);
    fill_fast(mode, va, Access::kWrite, address);
    return {};
  }
  if (ram.contains(address, size) &&
      !ram.device_looks_at(address, size)) {  // beside a device's bytes, or code
    bus_.store(address, size, value);
    return {};
  }
  if (!call_device([&] { return bus_.store(address, size, value); })) {
    return Trap{Exception::kStoreAccessFault, va.value};
  }
  return {};
}

MaybeTrap Mmu::access_across_pages(const MemoryMode& mode, VirtAddr va, unsigned size, Access access,
                                   u64& value) {
  const unsigned first_size = static_cast<unsigned>(bytes_left_in_page(va));
  const VirtAddr second_va = va + first_size;
  PhysAddr first;
  PhysAddr second;
  const unsigned second_size = size - first_size;
  Ram& ram = bus_.ram();
  if (const MaybeTrap trap = translate(mode, va, access, first)) return trap;
  if (!allowed(mode, first, first_size, access)) return Trap{access_fault(access), va.value};
  if (const MaybeTrap trap = translate(mode, second_va, access, second)) return trap;
  if (!ram.contains(first, first_size)) return Trap{access_fault(access), va.value};
  if (!ram.contains(second, second_size) || !allowed(mode, second, second_size, access))
    return Trap{access_fault(access), second_va.value};
  if (access == Access::kRead) {
    u8 bytes[sizeof(u64)] = {};
    std::memcpy(bytes, ram.host(first), first_size);
    std::memcpy(bytes + first_size, ram.host(second), second_size);
    std::memcpy(&value, bytes, sizeof(value));
  } else {
    u8 bytes[sizeof(u64)];
    std::memcpy(bytes, &value, sizeof(value));
    std::memcpy(ram.host(first), bytes, first_size);
    std::memcpy(ram.host(second), bytes + first_size, second_size);
    ram.changed(first);
    ram.changed(second);
    if (ram.watched(first) || ram.watched(second)) {
      call_device([&] {
        ram.wrote(first, first_size, Writer::kHart);
        ram.wrote(second, second_size, Writer::kHart);
        return true;
      });
    }
  }
  return {};
}

MaybeTrap Mmu::atomic(const MemoryMode& mode, VirtAddr va, unsigned size, Access access, PhysAddr& address) {
  if (const MaybeTrap trap = translate(mode, va, access, address)) return trap;
  if (!bus_.ram().contains(address, size) || !allowed(mode, address, size, access))
    return Trap{access_fault(access), va.value};
  fill_fast(mode, va, access, address);
  return {};
}

MaybeTrap Mmu::zero_block(const MemoryMode& mode, VirtAddr va, u64 block_bytes) {
  PhysAddr address;
  if (const MaybeTrap trap = translate(mode, va, Access::kWrite, address)) return trap;
  const PhysAddr block(align_down(address.value, block_bytes));
  Ram& ram = bus_.ram();
  if (!ram.contains(block, block_bytes) || !allowed(mode, block, block_bytes, Access::kWrite))
    return Trap{Exception::kStoreAccessFault, va.value};
  fill_fast(mode, va, Access::kWrite, address);
  std::memset(ram.host(block), 0, block_bytes);
  ram.changed(block);
  if (ram.watched(block)) {
    call_device([&] {
      ram.wrote(block, block_bytes, Writer::kHart);
      return true;
    });
  }
  return {};
}

/// Permitted where loads or stores are, that is where loads are: write permission comes with read permission.
MaybeTrap Mmu::manage_block(const MemoryMode& mode, VirtAddr va, u64 block_bytes) {
  PhysAddr address;
  if (const MaybeTrap trap = translate(mode, va, Access::kRead, address)) {
    const bool in_table = trap->cause == Exception::kLoadAccessFault;
    return Trap{in_table ? Exception::kStoreAccessFault : Exception::kStorePageFault, va.value};
  }
  const PhysAddr block(align_down(address.value, block_bytes));
  if (!bus_.is_mapped(block, block_bytes) || !allowed(mode, block, block_bytes, Access::kRead))
    return Trap{Exception::kStoreAccessFault, va.value};
  return {};
}

void Mmu::set_slow_pages(std::vector<u64> pages) {
  std::sort(pages.begin(), pages.end());
  slow_pages_ = std::move(pages);
  fast_.clear();
}

void Mmu::fence_all() {
  if (observer_ != nullptr) observer_->on_fence({}, {});
  if (loses_fence()) return;
  tlb_.flush_all();
  fast_.clear();
}

void Mmu::fence_asid(u16 asid) {
  if (observer_ != nullptr) observer_->on_fence({}, asid);
  if (loses_fence()) return;
  tlb_.flush_asid(asid);
  fast_.clear_asid(asid);
}

void Mmu::fence_page(VirtAddr va) {
  if (observer_ != nullptr) observer_->on_fence(va, {});
  if (loses_fence()) return;
  const bool small_pages_only = tlb_.flush_page(va);
  if (small_pages_only) {
    fast_.clear_page(va);
  } else {
    fast_.clear();
  }
}

void Mmu::fence_page_asid(VirtAddr va, u16 asid) {
  if (observer_ != nullptr) observer_->on_fence(va, asid);
  if (loses_fence()) return;
  const bool small_pages_only = tlb_.flush_page_asid(va, asid);
  if (small_pages_only) {
    fast_.clear_page(va, asid);
  } else {
    fast_.clear_asid(asid);
  }
}

bool Mmu::change_entry(VirtAddr va, u16 asid, const TlbChange& change) {
  if (!tlb_.change(va, asid, change)) return false;
  fast_.clear();
  return true;
}

PageWalk Mmu::probe(const MemoryMode& mode, VirtAddr va, Access access) const {
  return walk(bus_.ram(), va, access, mode, &pmp_);
}

}  // namespace quire
