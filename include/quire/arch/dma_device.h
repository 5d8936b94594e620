// /dev/dma0: the DMA engine for programs on the supervisor (docs/dma-engine.md, "From a program").
//
// Each opening has memory of its own; offsets are the same for mmap and for transfers.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

inline constexpr u32 kDmaDeviceMajor = 10;
inline constexpr u32 kDmaDeviceMinor = 125;

inline constexpr u64 kDmaBufferOffset = 0;            ///< contiguous, mapped at once
inline constexpr u64 kDmaPagedOffset = 0x1000'0000;   ///< page by page, by the driver's fault
inline constexpr u64 kDmaEngineOffset = 0x2000'0000;  ///< the engine's registers, read-only, at once
inline constexpr u64 kDmaAreaBytes = u64{1} << 20;    ///< of the first two, each

struct DmaCopyRequest {
  u64 from, to;  ///< offsets into the two areas
  u64 bytes;
};
struct DmaFillRequest {
  u64 at;  ///< offset into the paged area
  u64 bytes;
  u64 value;  ///< the lowest byte counts
};
struct DmaState {
  u64 copied;         ///< bytes of the last transfer so far
  u64 busy;           ///< 1: it goes on
  u64 paged_pages;    ///< pages of the paged area that are there
  u64 kernel_faults;  ///< pages that the supervisor's own touch has given, in all vmalloc areas
};

/// As ioctl(2) numbers are made: direction, size, 'Q', number.
enum DmaIoctl : u32 {
  kDmaIoctlCopy = 0x4018'5101,   ///< DmaCopyRequest: starts a transfer. EINVAL, EBUSY, ENOMEM
  kDmaIoctlFill = 0x4018'5102,   ///< DmaFillRequest: the supervisor writes the bytes itself. EINVAL, ENOMEM
  kDmaIoctlState = 0x8020'5103,  ///< gives DmaState
};

}  // namespace quire::arch
