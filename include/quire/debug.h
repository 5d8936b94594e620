// What a debugger needs of a machine beyond its state: see Machine's breakpoints and watchpoints.
#pragma once

#include <cstdint>
#include <string>

namespace quire {

enum class WatchKind : std::uint8_t { kRead, kWrite, kAccess };

/// Bytes of virtual memory, in whatever address space the hart is; accesses by devices are not seen.
struct Watchpoint {
  std::uint64_t address;
  std::uint64_t size_bytes;  ///< not 0; the range must not wrap
  WatchKind kind;

  bool operator==(const Watchpoint&) const = default;
};

struct WatchHit {
  Watchpoint watchpoint;
  std::uint64_t address;  ///< the first byte accessed that is watched
  std::uint64_t pc;       ///< of the instruction that accessed it; it has retired
  bool is_store;
};

/// An entry of the architectural TLB.
struct TlbEntryView {
  std::uint64_t va;
  std::uint64_t physical_address;
  std::uint64_t page_bytes;
  std::uint16_t asid;  ///< means nothing with kPteGlobal
  std::uint8_t flags;  ///< the low eight bits of the leaf it was made from (quire/arch/sv39.h)
};

/// The symbol at or before an address.
struct SymbolPlace {
  std::string name;
  std::uint64_t offset;
};

}  // namespace quire
