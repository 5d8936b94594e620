#include "emu/mem/walk.h"

#include <cstring>

#include "emu/mem/trap.h"

namespace quire {

const char* describe(WalkFault fault) {
  switch (fault) {
    case WalkFault::kNone:
      return "allowed";
    case WalkFault::kNotCanonical:
      return "the address is not a sign extension of its translated bits";
    case WalkFault::kTableOutsideRam:
      return "a page table lies outside RAM";
    case WalkFault::kTableProtected:
      return "physical memory protection denies reading a page table";
    case WalkFault::kInvalid:
      return "no valid entry";
    case WalkFault::kReserved:
      return "an entry with reserved bits or a reserved combination set";
    case WalkFault::kNoLeaf:
      return "a pointer where only a leaf may be";
    case WalkFault::kBadNapot:
      return "a NAPOT entry that is not one of 64 KiB";
    case WalkFault::kMisalignedSuperpage:
      return "a misaligned superpage";
    case WalkFault::kUserPage:
      return "a user page accessed from supervisor mode";
    case WalkFault::kSupervisorPage:
      return "a supervisor page accessed from user mode";
    case WalkFault::kNotReadable:
      return "read of a page without read permission";
    case WalkFault::kNotWritable:
      return "write to a read-only page";
    case WalkFault::kNotExecutable:
      return "fetch from a page without execute permission";
    case WalkFault::kAccessedClear:
      return "A is clear and software manages it";
    case WalkFault::kDirtyClear:
      return "D is clear and software manages it";
  }
  return "";
}

Exception exception_of(WalkFault fault, Access access) {
  const bool physical = fault == WalkFault::kTableOutsideRam || fault == WalkFault::kTableProtected;
  return physical ? access_fault(access) : page_fault(access);
}

WalkFault check_permission(u64 pte_flags, Access access, const MemoryMode& mode) {
  const bool user_page = (pte_flags & kPteUser) != 0;
  if (mode.privilege == Privilege::kUser) {
    if (!user_page) return WalkFault::kSupervisorPage;
  } else if (user_page && (access == Access::kExecute || !mode.sum)) {
    return WalkFault::kUserPage;
  }
  switch (access) {
    case Access::kRead:
      if ((pte_flags & (kPteRead | (mode.mxr ? u64{kPteExecute} : 0))) == 0) return WalkFault::kNotReadable;
      break;
    case Access::kWrite:
      if ((pte_flags & kPteWrite) == 0) return WalkFault::kNotWritable;
      break;
    case Access::kExecute:
      if ((pte_flags & kPteExecute) == 0) return WalkFault::kNotExecutable;
      break;
  }
  return WalkFault::kNone;
}

namespace {

bool canonical(VirtAddr va, unsigned levels) {
  const unsigned width = kPageShift + kPteIndexBits * levels;
  return static_cast<u64>(sign_extend(va.value, width)) == va.value;
}

/// Bits 63:54: which of them the rules give a meaning (chapters 13 and 14; 12.4.1 for the rest).
bool reserved_bits_clear(Pte pte, const PteRules& rules) {
  u64 reserved = pte.reserved() << 54;
  if (rules.napot) reserved &= ~u64{kPteNapot};
  const bool no_type = (pte.raw & kPtePbmt) == kPtePbmt;  // all ones is none of the memory types
  if (rules.pbmt && !no_type) reserved &= ~u64{kPtePbmt};
  return reserved == 0;
}

WalkFault check_pointer(Pte pte, unsigned level) {
  if ((pte.raw & (kPteAccessed | kPteDirty | kPteUser | kPtePbmt | kPteNapot)) != 0)
    return WalkFault::kReserved;
  return level == 0 ? WalkFault::kNoLeaf : WalkFault::kNone;
}

/// What is wrong with a PTE whatever the access. The steps are those of 12.3.2.
WalkFault check_form(Pte pte, unsigned level, const PteRules& rules) {
  if (!pte.valid()) return WalkFault::kInvalid;
  if (pte.has(kPteWrite) && !pte.has(kPteRead)) return WalkFault::kReserved;
  if (!reserved_bits_clear(pte, rules)) return WalkFault::kReserved;
  if (!pte.leaf()) return check_pointer(pte, level);
  if (pte.napot()) {
    // Table 13.1: 64 KiB is the only size, and the lowest level the only place.
    const bool good = level == 0 && bits(pte.ppn(), kNapotBits - 1, 0) == 1U << (kNapotBits - 1);
    return good ? WalkFault::kNone : WalkFault::kBadNapot;
  }
  if (!is_aligned(pte.address().value, level_bytes(level))) return WalkFault::kMisalignedSuperpage;
  return WalkFault::kNone;
}

/// Step 7 of 12.3.2 under Svade.
WalkFault check_accessed_dirty(Pte pte, Access access) {
  if (!pte.has(kPteAccessed)) return WalkFault::kAccessedClear;
  return access == Access::kWrite && !pte.has(kPteDirty) ? WalkFault::kDirtyClear : WalkFault::kNone;
}

WalkFault check_leaf(Pte pte, Access access, const MemoryMode& mode) {
  const WalkFault fault = check_permission(pte.raw, access, mode);
  if (fault != WalkFault::kNone || mode.rules.ad_update == AdUpdate::kHardware) return fault;
  return check_accessed_dirty(pte, access);
}

}  // namespace

PageWalk walk(const Ram& ram, VirtAddr va, Access access, const MemoryMode& mode, const Pmp* pmp) {
  PageWalk result;
  const unsigned levels = levels_of(mode.satp.mode());
  if (!canonical(va, levels)) {
    result.fault = WalkFault::kNotCanonical;
    return result;
  }
  PhysAddr table = mode.satp.root();
  for (unsigned level = levels; level-- > 0;) {
    const PhysAddr address = table + pte_index(va, level) * sizeof(Pte);
    if (!ram.contains(address, sizeof(Pte))) {
      result.fault = WalkFault::kTableOutsideRam;
      return result;
    }
    if (pmp != nullptr && !pmp->allows(address, sizeof(Pte), Access::kRead, Privilege::kSupervisor)) {
      result.fault = WalkFault::kTableProtected;
      return result;
    }
    Pte pte;
    std::memcpy(&pte, ram.host(address), sizeof(Pte));
    result.steps[result.step_count++] = {level, address, pte};
    result.fault = check_form(pte, level, mode.rules);
    if (result.fault != WalkFault::kNone) return result;
    if (pte.leaf()) {
      result.fault = check_leaf(pte, access, mode);
      return result;
    }
    table = pte.address();
  }
  return result;  // not reached: a pointer at level 0 is a fault
}

}  // namespace quire
