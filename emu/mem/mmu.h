// Mmu: from virtual accesses to the bus. The emulator's only reader and updater of PTEs.
//
// It takes privilege, satp and the rules for entries as a value with every access. An access that crosses a
// page is checked on both sides before anything happens; the trap's tval is the first byte of the part that
// faulted. Physical memory protection is looked at with every access that no fast entry answers, and those
// are made only for pages that one rule allows as a whole.
#pragma once

#include <vector>

#include "emu/base/types.h"
#include "emu/mem/bus.h"
#include "emu/mem/fast_tlb.h"
#include "emu/mem/faults.h"
#include "emu/mem/fence_checker.h"
#include "emu/mem/pmp.h"
#include "emu/mem/tlb.h"
#include "emu/mem/trap.h"
#include "emu/mem/walk.h"

namespace quire {

/// Told around every call of a device, for state of the host that is lent to the guest while it runs.
class DeviceCallObserver {
 public:
  virtual ~DeviceCallObserver() = default;
  virtual void before_device() = 0;
  virtual void after_device() = 0;
};

class MmuObserver;

class Mmu {
 public:
  /// `device_observer` may be null.
  Mmu(Bus& bus, FastTlb& fast, const TlbConfig& config, DeviceCallObserver* device_observer = nullptr);

  /// Of one byte; the TLB answers or is filled. `address` is valid without a trap.
  MaybeTrap translate(const MemoryMode& mode, VirtAddr va, Access access, PhysAddr& address);

  /// `size` is 1, 2, 4 or 8; any alignment where it is RAM. Zero-extended.
  MaybeTrap load(const MemoryMode& mode, VirtAddr va, unsigned size, u64& out);
  MaybeTrap store(const MemoryMode& mode, VirtAddr va, unsigned size, u64 value);
  /// For atomic accesses: the place in RAM, or a trap; `va` is aligned. Devices refuse atomics.
  MaybeTrap atomic(const MemoryMode& mode, VirtAddr va, unsigned size, Access access, PhysAddr& address);

  /// Cache-block operations on the naturally aligned block around `va` (Unprivileged ISA 20240411, 20.4.2.2):
  /// zeros, or only the checks. Faults are a store's, with `va` as tval; no alignment is asked for.
  MaybeTrap zero_block(const MemoryMode& mode, VirtAddr va, u64 block_bytes);
  MaybeTrap manage_block(const MemoryMode& mode, VirtAddr va, u64 block_bytes);

  /// sfence.vma (12.2.1): of every page, or of `va`; of every address space, or of `asid`.
  void fence_all();
  void fence_asid(u16 asid);
  void fence_page(VirtAddr va);
  void fence_page_asid(VirtAddr va, u16 asid);
  /// To be called when MXR, the rules for entries or the PMP changed: the fast entries were made under the
  /// old value. For another satp there is FastTlb::enter().
  void mode_changed() { fast_.clear(); }
  /// To be called when RAM's pages count as unchanged anew: the first store to each must be seen.
  void watch_changes() { fast_.clear_stores(); }

  /// Whether the PMP lets instructions of the whole page be fetched, or else of these bytes.
  bool may_fetch_page(const MemoryMode& mode, PhysAddr page) const {
    return pmp_.allows_page(page, Access::kExecute, mode.privilege);
  }
  bool may_fetch(const MemoryMode& mode, PhysAddr start, u64 size_bytes) const {
    return pmp_.allows(start, size_bytes, Access::kExecute, mode.privilege);
  }

  /// From now on every hit of the TLB is compared with a fresh walk; not owned, null: no more.
  void set_fence_checker(FenceChecker* checker) {
    checker_ = checker;
    fast_.clear();
  }
  /// Translated accesses must come here, none may be answered by a fast entry.
  bool sees_every_access() const { return tlb_.sees_every_access() || checker_ != nullptr; }

  /// What a load would do, without side effects (no A/D update, no TLB); for debuggers.
  PageWalk probe(const MemoryMode& mode, VirtAddr va, Access access) const;

  /// Null: none.
  void set_observer(MmuObserver* observer) { observer_ = observer; }
  /// Null: nothing goes wrong.
  void set_faults(MmuFaults* faults) { faults_ = faults; }
  /// Changes the entry that answers for `va` in the address space `asid`, or drops it where what it becomes
  /// is none (V or A clear). False when no entry answers.
  bool change_entry(VirtAddr va, u16 asid, const TlbChange& change);
  /// Virtual pages, by address, that no fast entry may answer for: a watchpoint is in them.
  void set_slow_pages(std::vector<u64> pages);

  Bus& bus() { return bus_; }
  const Bus& bus() const { return bus_; }
  Tlb& tlb() { return tlb_; }
  const Tlb& tlb() const { return tlb_; }
  /// After a change: mode_changed().
  Pmp& pmp() { return pmp_; }
  const Pmp& pmp() const { return pmp_; }
  FastTlb& fast() { return fast_; }
  /// Of a fast entry for `va`, which has just been translated.
  FastTlb::Reach reach(const MemoryMode& mode, VirtAddr va) const {
    const bool shared = mode.translates() && mode.privilege == Privilege::kSupervisor;
    return shared && tlb_.answers_alike(va) ? FastTlb::Reach::kEverySpace : FastTlb::Reach::kThisSpace;
  }
  /// Back to the state after power-on; counters too.
  void reset();
  void transfer(StateArchive& archive);

 private:
  MaybeTrap translate_through_tlb(const MemoryMode& mode, VirtAddr va, Access access, PhysAddr& address);
  MaybeTrap walk_and_fill(const MemoryMode& mode, VirtAddr va, Access access, PhysAddr& address);
  bool may_store_fast(const MemoryMode& mode, VirtAddr va, PhysAddr page) const;
  void fill_fast(const MemoryMode& mode, VirtAddr va, Access access, PhysAddr address);
  void forget(const TlbEntry& entry);
  void forget_hidden(const Pte& leaf, unsigned level, VirtAddr va);
  bool loses_fence() { return faults_ != nullptr && faults_->loses_fence(); }
  MaybeTrap access_across_pages(const MemoryMode& mode, VirtAddr va, unsigned size, Access access,
                                u64& value);

  bool allowed(const MemoryMode& mode, PhysAddr address, u64 size, Access access) const {
    return pmp_.allows(address, size, access, mode.privilege);
  }

  template <class Call>
  bool call_device(Call&& call);

  Bus& bus_;
  FastTlb& fast_;
  Tlb tlb_;
  Pmp pmp_;
  DeviceCallObserver* device_observer_;
  MmuObserver* observer_ = nullptr;
  MmuFaults* faults_ = nullptr;
  FenceChecker* checker_ = nullptr;
  std::vector<u64> slow_pages_;  // sorted
};

}  // namespace quire
