// What stands in for the hart in unit tests of the supervisor.
#pragma once

#include <cstdlib>
#include <vector>

#include "guest/hal/boot_info.h"
#include "guest/hal/layout.h"
#include "guest/mem/frame.h"
#include "guest/mem/frame_init.h"

namespace kernel {
bool host_panic_installed();
}

namespace kernel::host {

inline const bool g_panics_speak = host_panic_installed();

/// How many of the next heap_alloc calls fail.
inline unsigned g_failing_allocations = 0;

/// "Physical memory" for a test: RAM from `base` up, with a frame table over it. One at a time.
class PhysicalMemory {
 public:
  explicit PhysicalMemory(usize bytes, u64 base = 0x8000'0000, std::vector<PhysRange> reserved = {})
      : memory_(static_cast<u8*>(std::aligned_alloc(kPageBytes, bytes))) {
    g_linear_map_base = reinterpret_cast<u64>(memory_) - base;
    const PhysRange range{base, bytes};
    frame_detail::build_frame_table({&range, 1}, reserved);
  }
  ~PhysicalMemory() { std::free(memory_); }
  PhysicalMemory(const PhysicalMemory&) = delete;
  PhysicalMemory& operator=(const PhysicalMemory&) = delete;

 private:
  u8* memory_;
};

}  // namespace kernel::host
