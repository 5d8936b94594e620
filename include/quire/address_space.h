// An address space seen from outside: its page table read as a debugger reads it.
//
// Nothing here touches A or D bits, the TLB or the guest's time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "quire/machine.h"

namespace quire {

/// One leaf entry.
struct Mapping {
  arch::VirtAddr va;
  std::uint64_t bytes;  ///< 4 KiB, 2 MiB, 1 GiB ...
  arch::Pte pte;

  std::uint64_t pfn() const { return pte.ppn(); }
};

/// Every leaf entry with the U bit under `satp`, ascending. Throws Error(kUsage) when satp translates nothing
/// (mode Bare or unknown), Error(kState) when its tables contain themselves.
std::vector<Mapping> user_mappings(const MemoryView& memory, std::uint64_t satp);

/// Where a range stopped being accessible, and why.
struct VirtFault {
  arch::VirtAddr va;
  std::string reason;
};

/// Copies `out.size()` bytes from `va` on, translating page by page with user privilege; nothing counts as
/// read when a page is missing.
std::optional<VirtFault> read_virtual(Machine& machine, std::uint64_t satp, arch::VirtAddr va,
                                      std::span<std::uint8_t> out);

/// Likewise; every page must be writable, and nothing is written when one is not.
std::optional<VirtFault> write_virtual(Machine& machine, std::uint64_t satp, arch::VirtAddr va,
                                       std::span<const std::uint8_t> data);

/// A NUL-terminated string of at most `limit_bytes`; empty optional when its first byte cannot be read. A
/// string that runs into a missing page or the limit is cut there.
struct GuestString {
  std::string text;
  bool cut;
};
std::optional<GuestString> read_string(Machine& machine, std::uint64_t satp, arch::VirtAddr va,
                                       std::size_t limit_bytes);

}  // namespace quire
