// Who is told what the MMU and the bus do beside answering; for tracing. Observers change nothing.
#pragma once

#include "emu/base/types.h"
#include "emu/mem/tlb.h"
#include "emu/mem/walk.h"
#include "quire/device.h"

namespace quire {

class MmuObserver {
 public:
  virtual ~MmuObserver() = default;
  virtual void on_walk(const MemoryMode& mode, VirtAddr va, Access access, const PageWalk& found) = 0;
  virtual void on_fill(const TlbEntry& entry) = 0;
  virtual void on_evict(const TlbEntry& entry) = 0;
  /// Empty: of every page, of every address space.
  virtual void on_fence(std::optional<VirtAddr> va, std::optional<u16> asid) = 0;
};

class BusObserver {
 public:
  virtual ~BusObserver() = default;
  /// A device has answered. `value` is what was read or written.
  virtual void on_device_access(const Device& device, u64 offset, unsigned size, Access access,
                                u64 value) = 0;
  /// Bytes of RAM are about to be read or written by somebody other than the hart.
  virtual void on_dma(PhysAddr address, u64 count_bytes, Access access) = 0;
};

}  // namespace quire
