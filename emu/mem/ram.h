// Guest RAM: one host mapping at a fixed host address, zero until written.
//
// Pages that change are noted, for images of it that share what did not (emu/mem/ram_image.h): whoever writes
// otherwise than through write() calls changed(), or wrote(), first or before anybody can ask.
// Invariant: every page with decoded code in it, or that a device looks at, is watched, and whoever writes
// such a page tells the watchers before the next instruction runs. Base and size are multiples of the page
// size.
#pragma once

#include <span>
#include <vector>

#include "emu/base/types.h"
#include "quire/arch/bits.h"
#include "quire/arch/sv39.h"

namespace quire {

enum class Writer : u8 {
  kHart,   ///< the hart that runs: only decoded code cares
  kOther,  ///< DMA or the host: load reservations care too
};

/// Is told of writes: all by others, and by the hart those to watched pages.
class RamWatcher {
 public:
  virtual ~RamWatcher() = default;
  virtual void ram_written(PhysAddr start, u64 count_bytes, Writer writer) = 0;
};

class Ram {
 public:
  /// Throws std::bad_alloc when the host has no address space left. Pages are taken from the host when
  /// touched.
  Ram(PhysAddr base, u64 size_bytes);
  ~Ram();
  Ram(const Ram&) = delete;
  Ram& operator=(const Ram&) = delete;

  PhysAddr base() const { return base_; }
  u64 size_bytes() const { return size_bytes_; }
  std::span<u8> bytes() { return {host_, size_bytes_}; }
  std::span<const u8> bytes() const { return {host_, size_bytes_}; }

  /// Whether all of [start, start + count_bytes) is RAM.
  bool contains(PhysAddr start, u64 count_bytes) const {
    const u64 offset = start.value - base_.value;
    return offset < size_bytes_ && count_bytes <= size_bytes_ - offset;
  }
  /// Precondition: contains(address, what is accessed through the pointer).
  u8* host(PhysAddr address) { return host_ + (address.value - base_.value); }
  const u8* host(PhysAddr address) const { return host_ + (address.value - base_.value); }
  PhysAddr guest(const u8* host_pointer) const { return base_ + static_cast<u64>(host_pointer - host_); }

  /// For hosts and loaders: copies, and tells the watchers. Precondition: contains().
  void write(PhysAddr start, std::span<const u8> data);
  void read(PhysAddr start, std::span<u8> out) const;

  // --- pages whose writes are told to the watchers: those with decoded code, and those a device looks at ---
  bool watched(PhysAddr address) const { return (page_flags_[page_index(address)] & (kCode | kDevice)) != 0; }
  void set_has_code(PhysAddr address, bool yes) { set_bit(address, kCode, yes); }
  /// From now on a device looks at these bytes, which are told of with their pages.
  void watch_for_device(PhysAddr start, u64 count_bytes);
  /// Whether some of these bytes are a device's to look at. Of one page; not of every store.
  bool device_looks_at(PhysAddr start, u64 count_bytes) const;
  u64 page_index(PhysAddr address) const { return (address.value - base_.value) >> kPageShift; }
  u64 page_count() const { return size_bytes_ >> kPageShift; }

  // --- pages that a FastTlb may let be stored to ---
  bool stored_fast(PhysAddr address) const { return (page_flags_[page_index(address)] & kStoredFast) != 0; }
  void set_stored_fast(PhysAddr address) { page_flags_[page_index(address)] |= kStoredFast; }

  // --- pages that may differ from the last image ---
  void changed(PhysAddr address) { page_flags_[page_index(address)] |= kChanged; }
  bool has_changed(u64 page_index) const { return (page_flags_[page_index] & kChanged) != 0; }
  void set_unchanged(u64 page_index) { page_flags_[page_index] &= static_cast<u8>(~kChanged); }

  void add_watcher(RamWatcher* watcher) { watchers_.push_back(watcher); }
  void remove_watcher(RamWatcher* watcher);
  /// To be called after bytes changed other than through write().
  void wrote(PhysAddr start, u64 count_bytes, Writer writer);

 private:
  static constexpr u8 kCode = 1;
  static constexpr u8 kDevice = 2;
  static constexpr u8 kChanged = 4;
  static constexpr u8 kStoredFast = 8;  // never taken back
  void set_bit(PhysAddr address, u8 bit, bool yes) {
    u8& flags = page_flags_[page_index(address)];
    flags = static_cast<u8>(yes ? flags | bit : flags & ~bit);
  }

  PhysAddr base_;
  u64 size_bytes_;
  u8* host_;
  std::vector<u8> page_flags_;  // the bits above, one byte a page
  std::vector<RamWatcher*> watchers_;
  struct Range {
    u64 start, end;
  };
  std::vector<Range> device_ranges_;
};

}  // namespace quire
