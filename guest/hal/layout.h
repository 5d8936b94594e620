// The kernel half of the Sv39 address space.
//
//   0xffffffc0_00000000  linear map: physical address 0 upward, 128 GiB
//   0xffffffe0_00000000  kernel stacks, one slot of kStackSlotBytes each, the lower half unmapped (1 GiB)
//   0xffffffe0_40000000  device registers (ioremap, 1 GiB)
//   0xffffffe0_80000000  vmalloc (1 GiB)
//
// The image is linked inside the linear map. Invariant: the root entries of the kernel half never
// change after boot, so every address space shares them by copy.
#pragma once

#include "guest/lib/types.h"
#include "quire/arch/sv39.h"

namespace kernel {

inline constexpr u64 kLinearMapBase = 0xffff'ffc0'0000'0000;
inline constexpr u64 kLinearMapBytes = u64{128} << 30;
inline constexpr u64 kStackAreaBase = 0xffff'ffe0'0000'0000;
inline constexpr u64 kIoAreaBase = 0xffff'ffe0'4000'0000;
inline constexpr u64 kVmallocAreaBase = 0xffff'ffe0'8000'0000;
inline constexpr u64 kAreaBytes = u64{1} << 30;

/// A stack fills the upper half of its slot, so an overflow shows as a clear bit in sp.
inline constexpr u64 kStackBytes = 16 * 1024;
inline constexpr u64 kStackSlotBytes = 2 * kStackBytes;

/// Entries [kKernelRootFirst, 512) of a root table are the kernel's.
inline constexpr unsigned kKernelRootFirst = kPtesPerPage / 2;

#if __STDC_HOSTED__
/// Host tests put "physical memory" where they like.
inline u64 g_linear_map_base = 0;
inline u64 linear_map_base() { return g_linear_map_base; }
#else
inline constexpr u64 linear_map_base() { return kLinearMapBase; }
#endif

template <class T = void>
T* phys_to_virt(PhysAddr address) {
  return reinterpret_cast<T*>(address.value + linear_map_base());
}
/// `pointer` must point into the linear map (heap, frames, kernel image; not a kernel stack).
inline PhysAddr virt_to_phys(const void* pointer) {
  return PhysAddr(reinterpret_cast<u64>(pointer) - linear_map_base());
}

}  // namespace kernel
