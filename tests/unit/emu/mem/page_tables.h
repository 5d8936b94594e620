// Builds Sv39 tables in a Ram for tests.
#pragma once

#include <cstring>

#include "emu/base/types.h"
#include "emu/mem/ram.h"
#include "emu/mem/walk.h"

namespace quire::test {

inline constexpr u64 kRam = 0x8000'0000;
inline constexpr u64 kAll =
    kPteValid | kPteRead | kPteWrite | kPteExecute | kPteUser | kPteAccessed | kPteDirty;
inline constexpr u64 kKernelData = kPteValid | kPteRead | kPteWrite | kPteAccessed | kPteDirty;

/// Tables grow upwards from `tables`, the root first.
class PageTables {
 public:
  explicit PageTables(Ram& ram, PhysAddr tables = PhysAddr(kRam + 0x10'0000))
      : ram_(ram), root_(tables), next_(tables) {
    next_ += kPageBytes;
  }

  PhysAddr root() const { return root_; }
  Satp satp(u64 asid = 0) const { return Satp::make(SatpMode::kSv39, asid, root_); }

  /// Maps level_bytes(level) at `va`, with whatever the PTE says.
  void map(u64 va, u64 pa, u64 flags, unsigned level = 0) { set(va, level, Pte::make(PhysAddr(pa), flags)); }
  void set(u64 va, unsigned level, Pte pte) { write(pte_address(va, level), pte); }
  Pte get(u64 va, unsigned level = 0) { return read(pte_address(va, level)); }

  PhysAddr pte_address(u64 va, unsigned level) {
    PhysAddr table = root_;
    for (unsigned at = kSv39Levels - 1; at > level; --at) {
      const PhysAddr slot = table + pte_index(VirtAddr(va), at) * 8;
      if (!read(slot).valid()) {
        write(slot, Pte::make(next_, kPteValid));
        next_ += kPageBytes;
      }
      table = read(slot).address();
    }
    return table + pte_index(VirtAddr(va), level) * 8;
  }

 private:
  Pte read(PhysAddr at) const {
    Pte pte;
    std::memcpy(&pte, ram_.host(at), sizeof pte);
    return pte;
  }
  void write(PhysAddr at, Pte pte) { std::memcpy(ram_.host(at), &pte, sizeof pte); }

  Ram& ram_;
  PhysAddr root_;
  PhysAddr next_;
};

inline MemoryMode user_mode(const PageTables& tables, u64 asid = 0) {
  return {.satp = tables.satp(asid), .privilege = Privilege::kUser, .sum = false, .mxr = false};
}
inline MemoryMode supervisor_mode(const PageTables& tables, u64 asid = 0) {
  return {.satp = tables.satp(asid), .privilege = Privilege::kSupervisor, .sum = false, .mxr = false};
}

}  // namespace quire::test
