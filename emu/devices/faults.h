// What may go wrong in devices because it was asked for (quire/fault.h).
#pragma once

#include <optional>

#include "emu/base/types.h"

namespace quire {

class IrqFaults {
 public:
  virtual ~IrqFaults() = default;
  /// Asked when the gateway of a source would ask for an interrupt. Whether it does not.
  virtual bool loses_irq(unsigned source) = 0;
};

enum class BlkOperation : u8 { kRead, kWrite, kFlush, kOther };

/// How a request to a disk ends instead.
struct BlkFault {
  enum class Told : u8 { kFailed, kDone };
  u64 bytes;  ///< of the data are transferred, at most
  Told told;
};

class BlkFaults {
 public:
  virtual ~BlkFaults() = default;
  /// Asked once a request to `drive`; nothing: it is served as ever.
  virtual std::optional<BlkFault> fault_of(unsigned drive, BlkOperation operation) = 0;
};

}  // namespace quire
