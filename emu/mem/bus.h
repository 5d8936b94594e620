// The physical address space: RAM, devices, and nothing elsewhere.
//
// Invariant: regions do not overlap. RAM takes any access within it; a device sees aligned accesses
// of 1, 2, 4 or 8 bytes within its region; everything else fails, which the hart turns into an access fault.
#pragma once

#include <vector>

#include "emu/base/types.h"
#include "emu/mem/ram.h"
#include "quire/device.h"

namespace quire {

class BusFaults;
class BusObserver;

class Bus final : public Dma {
 public:
  explicit Bus(Ram& ram) : ram_(ram) {}

  /// Not owned. The region must be free.
  void add_device(PhysAddr base, u64 size_bytes, Device* device);

  Ram& ram() { return ram_; }
  const Ram& ram() const { return ram_; }

  /// Whether all of these bytes are RAM or lie in one device.
  bool is_mapped(PhysAddr address, u64 count_bytes) const;

  /// A hart's access; false: access fault, nothing has happened. Writes to RAM tell its watchers where code
  /// was.
  bool load(PhysAddr address, unsigned size, u64& out);
  bool store(PhysAddr address, unsigned size, u64 value);

  // Dma, and the host's own accesses.
  bool read(u64 address, std::span<u8> out) override;
  bool write(u64 address, std::span<const u8> data) override;

  /// Accesses that devices have seen; tells an engine whether the one it just made may have raised an
  /// interrupt.
  u64 device_accesses() const { return device_accesses_; }
  /// Null: nothing goes wrong.
  void set_faults(BusFaults* faults) { faults_ = faults; }
  /// Null: none.
  void set_observer(BusObserver* observer) { observer_ = observer; }

 private:
  struct Region {
    PhysAddr base;
    u64 size_bytes;
    Device* device;
  };
  const Region* find(PhysAddr address, u64 size) const;

  Ram& ram_;
  std::vector<Region> regions_;  // sorted by base
  u64 device_accesses_ = 0;
  BusObserver* observer_ = nullptr;
  BusFaults* faults_ = nullptr;
};

}  // namespace quire
