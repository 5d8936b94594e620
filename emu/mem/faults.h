// What may go wrong in the MMU and on the bus because it was asked for (quire/fault.h).
#pragma once

#include "emu/base/types.h"
#include "quire/arch/cause.h"

namespace quire {

class MmuFaults {
 public:
  virtual ~MmuFaults() = default;
  /// Asked once a fence. Whether it does nothing.
  virtual bool loses_fence() = 0;
};

class BusFaults {
 public:
  virtual ~BusFaults() = default;
  /// What becomes of a value on its way between the hart and a device's register.
  virtual u64 altered(PhysAddr address, u64 value) = 0;
};

}  // namespace quire
