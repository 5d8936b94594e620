// Block devices: whole 512-byte sectors, read and written by sleeping threads.
#pragma once

#include "guest/lib/result.h"
#include "guest/lib/span.h"

namespace kernel {

inline constexpr usize kSectorBytes = 512;

class BlockDevice : NonCopyable {
 public:
  virtual u64 sectors() const = 0;
  virtual bool read_only() const = 0;
  /// Buffers are in the linear map (heap or frames) and a whole number of sectors long.
  /// EINVAL beyond the end or for a partial sector, EIO from the device, EROFS.
  virtual KResult<void> read(u64 sector, ByteSpan to) = 0;
  virtual KResult<void> write(u64 sector, ConstByteSpan from) = 0;
  /// What was written is on stable storage when this returns.
  virtual KResult<void> flush() = 0;

 protected:
  ~BlockDevice() = default;
};

/// Devices in the order of their bus addresses; null beyond the last.
BlockDevice* block_device(usize index);
void register_block_device(BlockDevice& device);

}  // namespace kernel
