// What the firmware handed over: the device tree and what is read from it once, early.
#pragma once

#include "guest/hal/fdt.h"
#include "guest/hal/isa.h"

namespace kernel {

struct BootInfo {
  static constexpr usize kMaxMemory = 8;
  static constexpr usize kMaxReserved = 16;

  u64 hart_id = 0;
  Fdt device_tree;
  PhysRange device_tree_range;
  StringView command_line;
  PhysRange initrd;  ///< empty when there is none
  u64 seed = 0;      ///< quire.seed=, else /chosen/rng-seed, else 0
  PhysRange memory[kMaxMemory];
  usize memory_count = 0;
  PhysRange reserved[kMaxReserved];  ///< memory that belongs to the firmware
  usize reserved_count = 0;
  IsaExtensions isa;         ///< of the first hart
  u64 zero_block_bytes = 0;  ///< what cbo.zero zeroes; 0 where there is none
};

/// Reads the device tree at `device_tree`; a tree without memory is a panic.
void init_boot_info(u64 hart_id, PhysAddr device_tree);
const BootInfo& boot_info();

/// The value of `key=value` on the kernel command line; empty for a bare `key`.
std::optional<StringView> boot_option(StringView key);

}  // namespace kernel
