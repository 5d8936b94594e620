// SFENCE.VMA in its forms (Privileged ISA 20240411, 10.2.1), and FENCE.
//
// Only the page table and satp code call the former. On the host they count, so that tests can see a missing
// fence.
#pragma once

#include "guest/lib/types.h"

namespace kernel {

#if __STDC_HOSTED__
struct FenceCounts {
  u64 pages = 0;
  u64 spaces = 0;
  u64 all = 0;
};
inline FenceCounts g_fences;
inline void fence_page(VirtAddr, u16) { g_fences.pages++; }
inline void fence_space(u16) { g_fences.spaces++; }
inline void fence_all() { g_fences.all++; }
inline void fence_kernel_page(VirtAddr) { g_fences.pages++; }
inline void fence_memory() {}
#else
/// One page of one address space (not global mappings).
inline void fence_page(VirtAddr address, u16 asid) {
  asm volatile("sfence.vma %0, %1" : : "r"(address.value), "r"(u64{asid}) : "memory");
}
/// Everything of one address space but its global mappings.
inline void fence_space(u16 asid) { asm volatile("sfence.vma zero, %0" : : "r"(u64{asid}) : "memory"); }
inline void fence_all() { asm volatile("sfence.vma" ::: "memory"); }
/// Orders what came before against what follows, as devices and other harts see it.
inline void fence_memory() { asm volatile("fence iorw, iorw" ::: "memory"); }
/// One page of all address spaces, global mappings included.
inline void fence_kernel_page(VirtAddr address) {
  asm volatile("sfence.vma %0" : : "r"(address.value) : "memory");
}
#endif

}  // namespace kernel
