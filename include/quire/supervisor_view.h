// What the supervisor knows, read from its RAM by the description that it publishes
// (quire/arch/description.h).
//
// No instruction of the guest runs for it, and nothing changes. A machine may stand anywhere, in the middle
// of a change too: every pointer is checked, every walk ends, and what does not fit together is said, not
// guessed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quire/machine.h"

namespace quire {

/// A range of a process' address space and what may be there (Linux: a VMA).
struct MemoryArea {
  enum class Kind : std::uint8_t { kAnonymous, kFile, kHeap, kStack, kDevice, kSpecial };

  std::uint64_t start, end;  ///< half-open
  Kind kind;
  bool readable, writable, executable, shared, locked, grows_down;
  std::uint64_t offset;  ///< in the file, bytes; 0 without one
  std::uint64_t device;  ///< of the file, as st_dev; 0 without one
  std::uint64_t inode;   ///< 0 without a file
  std::string name;      ///< path as the process sees it, or "[heap]" and its like; any bytes, may be empty
};

struct MemoryAreas {
  std::vector<MemoryArea> areas;  ///< ascending, disjoint
  bool locked = false;            ///< a thread of the guest holds the lock under which they change
  std::string trouble;            ///< why `areas` is not all there is, or not right; empty when it is
};

/// Pages by use, of those that the supervisor's allocator ever had.
struct FrameCounts {
  std::uint64_t total, free, anonymous, page_cache, page_tables, slab, stacks, vmalloc, kernel;
  std::uint64_t dirty, writing;  ///< of the page cache: newer than the backing store, on their way there
};

struct FrameFacts {
  std::string use;           ///< as the fields of FrameCounts are called in the singular; "reserved"
  std::uint32_t references;  ///< user PTEs, one of the page cache, and pins
  bool dirty;                ///< page cache: newer than its backing store
  struct Cached {
    std::uint64_t device, inode, page;
  };
  std::optional<Cached> cached;  ///< which page of which file
};

class SupervisorView {
 public:
  /// Valid as long as the machine. Error(kUsage): another kernel than the supervisor, or one that describes
  /// itself in another version, or that is not up yet.
  explicit SupervisorView(Machine& machine);
  /// The description stands at `description`, physical.
  SupervisorView(const MemoryView& memory, std::uint64_t description);
  ~SupervisorView();
  SupervisorView(SupervisorView&&) noexcept;

  /// Nothing for a process that is not there, or has no memory (any more).
  std::optional<MemoryAreas> areas(std::uint32_t pid) const;
  FrameCounts frame_counts() const;
  /// Frames are numbered from first_frame() on; they need not all be given out. Error(kUsage) for another
  /// number.
  FrameFacts frame(std::uint64_t pfn) const;
  std::uint64_t first_frame() const;
  std::uint64_t frame_count() const;

 private:
  class Layout;
  const MemoryView& memory_;
  std::unique_ptr<const Layout> layout_;
};

/// "anonymous", "file", "heap", "stack", "device", "special".
std::string_view area_kind_name(MemoryArea::Kind kind);

}  // namespace quire
