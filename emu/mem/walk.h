// The page-table walk (Privileged ISA 20240411, 12.3.2 and 12.4, chapters 13-15), free of side effects.
//
// Sv39, Sv48 and Sv57 differ in the number of levels alone. One function serves the MMU and the
// debugger; updating A and D is the MMU's (emu/mem/mmu.h).
#pragma once

#include <array>

#include "emu/base/types.h"
#include "emu/mem/pmp.h"
#include "emu/mem/ram.h"
#include "quire/arch/cause.h"
#include "quire/arch/sv39.h"

namespace quire {

/// Who sets A and D: the walk (Svadu with menvcfg.ADUE), or software after a page fault (Svade).
enum class AdUpdate : u8 { kHardware, kFault };

/// How entries are read beyond the base architecture.
struct PteRules {
  bool napot = false;  ///< Svnapot
  bool pbmt = false;   ///< Svpbmt and menvcfg.PBMTE; all types are alike here, as memory is coherent
  AdUpdate ad_update = AdUpdate::kHardware;

  constexpr bool operator==(const PteRules&) const = default;
};

/// All that decides a translation beside the address and the kind of access.
struct MemoryMode {
  Satp satp;
  Privilege privilege = Privilege::kMachine;  ///< effective: MPRV is resolved
  bool sum = false;
  bool mxr = false;
  PteRules rules = {};

  constexpr bool translates() const {
    return privilege != Privilege::kMachine && satp.mode() != SatpMode::kBare;
  }
  constexpr bool operator==(const MemoryMode& o) const {
    return satp.raw == o.satp.raw && privilege == o.privilege && sum == o.sum && mxr == o.mxr &&
           rules == o.rules;
  }
};

/// Why an access is refused, one for each rule of the manual.
enum class WalkFault : u8 {
  kNone,
  kNotCanonical,
  kTableOutsideRam,  ///< this one and the next are access faults, not page faults
  kTableProtected,
  kInvalid,
  kReserved,
  kNoLeaf,
  kBadNapot,
  kMisalignedSuperpage,
  kUserPage,
  kSupervisorPage,
  kNotReadable,
  kNotWritable,
  kNotExecutable,
  kAccessedClear,  ///< only where A and D are left to software
  kDirtyClear,
};
/// One phrase for people.
const char* describe(WalkFault fault);
Exception exception_of(WalkFault fault, Access access);

inline constexpr unsigned kMaxLevels = 5;
/// Levels of a satp mode; 0 for Bare.
constexpr unsigned levels_of(SatpMode mode) {
  return mode == SatpMode::kBare
             ? 0
             : static_cast<unsigned>(mode) - static_cast<unsigned>(SatpMode::kSv39) + kSv39Levels;
}

struct PteRead {
  unsigned level;
  PhysAddr address;
  Pte pte;
};

struct PageWalk {
  WalkFault fault = WalkFault::kNone;
  unsigned step_count = 0;
  std::array<PteRead, kMaxLevels> steps;  ///< root first; the last one is the leaf where there is no fault

  const PteRead& leaf() const { return steps[step_count - 1]; }
};

/// Whether a leaf with these flags allows the access; A and D aside (12.3.1).
WalkFault check_permission(u64 pte_flags, Access access, const MemoryMode& mode);

/// Precondition: mode.translates(). `pmp`, where there is one, must let S-mode read the tables (3.7.1).
PageWalk walk(const Ram& ram, VirtAddr va, Access access, const MemoryMode& mode, const Pmp* pmp = nullptr);

/// Where a leaf of `level` maps `va`.
constexpr PhysAddr leaf_address(Pte leaf, unsigned level, VirtAddr va) {
  const u64 offset_mask = (u64{1} << leaf_shift(leaf, level)) - 1;
  return PhysAddr((leaf.address().value & ~offset_mask) | (va.value & offset_mask));
}

}  // namespace quire
