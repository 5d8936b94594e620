// Where the parts of a user address space go, with or without randomisation. Pure.
#pragma once

#include "guest/lib/types.h"
#include "quire/arch/sv39.h"

namespace kernel {

inline constexpr VirtAddr kUserTop{kSv39UserTop};
/// Linux' mmap_min_addr: nothing is placed below, so that null pointers fault.
inline constexpr VirtAddr kUserLowest{0x1'0000};
/// Kept free under a stack that grows (Linux' stack_guard_gap).
inline constexpr u64 kStackGuardBytes = 256 * kPageBytes;
/// vm.max_map_count.
inline constexpr usize kMaxVmas = 65530;

struct UserLayout {
  VirtAddr stack_top;      ///< strings, vectors and the stack go below
  VirtAddr mmap_top;       ///< mappings are placed top-down from here
  VirtAddr pie_base;       ///< where a position-independent program goes
  u64 brk_gap_bytes;       ///< from the end of the program's data to the heap
  u64 stack_offset_bytes;  ///< below stack_top, 16-byte granular
};

enum class Randomize : u8 { kNo, kYes };

/// `stack_limit`: RLIMIT_STACK, or ~0; `random`: 64 bits from the run's generator for each field.
UserLayout make_layout(Randomize randomize, u64 stack_limit, const u64 (&random)[5]);

}  // namespace kernel
