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
    case WalkFault::kInvalid:
      return "no valid entry";
    case WalkFault::kReserved:
      return "an entry with reserved bits or a reserved combination set";
    case WalkFault::kNoLeaf:
      return "a pointer where only a leaf may be";
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
  return fault == WalkFault::kTableOutsideRam ? access_fault(access) : page_fault(access);
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

/// What is wrong with a valid PTE whatever the access. The steps are those of 12.3.2.
WalkFault check_form(Pte pte, unsigned level) {
  if (!pte.valid()) return WalkFault::kInvalid;
  if (pte.has(kPteWrite) && !pte.has(kPteRead)) return WalkFault::kReserved;
  if (pte.reserved() != 0) return WalkFault::kReserved;
  if (!pte.leaf()) {
    if ((pte.raw & (kPteAccessed | kPteDirty | kPteUser)) != 0) return WalkFault::kReserved;
    return level == 0 ? WalkFault::kNoLeaf : WalkFault::kNone;
  }
  if (!is_aligned(pte.address().value, level_bytes(level))) return WalkFault::kMisalignedSuperpage;
  return WalkFault::kNone;
}

}  // namespace

PageWalk walk(const Ram& ram, VirtAddr va, Access access, const MemoryMode& mode) {
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
    Pte pte;
    std::memcpy(&pte, ram.host(address), sizeof(Pte));
    result.steps[result.step_count++] = {level, address, pte};
    result.fault = check_form(pte, level);
    if (result.fault != WalkFault::kNone) return result;
    if (pte.leaf()) {
      result.fault = check_permission(pte.raw, access, mode);
      return result;
    }
    table = pte.address();
  }
  return result;  // not reached: a pointer at level 0 is a fault
}

}  // namespace quire
