#include "emu/machine/virtual_memory.h"

#include "emu/mem/walk.h"

namespace quire {
namespace {

/// Faults that say "you may not", not "there is nothing".
bool is_permission(WalkFault fault) {
  switch (fault) {
    case WalkFault::kNone:
    case WalkFault::kUserPage:
    case WalkFault::kSupervisorPage:
    case WalkFault::kNotReadable:
    case WalkFault::kNotWritable:
    case WalkFault::kNotExecutable:
    case WalkFault::kAccessedClear:
    case WalkFault::kDirtyClear:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::optional<PhysAddr> find_physical(const Hart& hart, VirtAddr va) {
  const MemoryMode& mode = hart.data_mode();
  if (!mode.translates()) {
    return PhysAddr(va.value);
  }
  if (const TlbEntry* entry = hart.mmu().tlb().peek(va, static_cast<u16>(mode.satp.asid()))) {
    return entry->translate(va);
  }
  const PageWalk found = hart.mmu().probe(mode, va, Access::kRead);
  if (!is_permission(found.fault)) {
    return {};
  }
  return leaf_address(found.leaf().pte, found.leaf().level, va);
}

}  // namespace quire
