// Where a FastTlb::Bank has the entry of an address, as host code finds it.
//
// The address, rotated right by kEntryRotation and masked with kEntryMask, plus the bank: what entry_field()
// takes.
#pragma once

#include "emu/jit/host_registers.h"
#include "emu/mem/fast_tlb.h"

namespace quire::jit {

inline constexpr unsigned kEntryShift = 4;
static_assert(sizeof(FastEntry) == 1 << kEntryShift);
inline constexpr unsigned kEntryRotation = kPageShift - kEntryShift;
inline constexpr u32 kEntryMask = (FastTlb::kEntries - 1) * sizeof(FastEntry);

inline x86::Mem entry_field(x86::Gp entry, Access access, usize offset) {
  const usize table = static_cast<usize>(access) * FastTlb::kTableBytes;
  return x86::qword_ptr(entry, static_cast<i32>(table + offset));
}

}  // namespace quire::jit
