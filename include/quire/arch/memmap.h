// Physical memory map of the board: QEMU's `virt` map, plus our own devices in its holes.
//
// The device tree is what software should read; these are the figures it is made from.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

struct MemRegion {
  u64 base;
  u64 size_bytes;
};

inline constexpr MemRegion kFinisher{0x0010'0000, 0x1000};
inline constexpr MemRegion kRtc{0x0010'1000, 0x1000};
inline constexpr MemRegion kClint{0x0200'0000, 0x1'0000};
inline constexpr MemRegion kPlic{0x0c00'0000, 0x60'0000};
inline constexpr MemRegion kUart{0x1000'0000, 0x100};
inline constexpr MemRegion kVirtioFirst{0x1000'1000, 0x1000};
inline constexpr u64 kVirtioStride = 0x1000;
inline constexpr unsigned kVirtioSlots = 8;
/// Ours: the supervisor's events to the host (quire/arch/trace_port.h).
inline constexpr MemRegion kTracePort{0x1020'0000, 0x1000};
/// Ours: copies RAM to RAM (quire/arch/dma_engine.h).
inline constexpr MemRegion kDmaEngine{0x1020'1000, 0x1000};
inline constexpr u64 kRamBase = 0x8000'0000;

inline constexpr unsigned kUartIrq = 10;
inline constexpr unsigned kRtcIrq = 11;
inline constexpr unsigned kDmaIrq = 12;
inline constexpr unsigned kVirtioFirstIrq = 1;
inline constexpr unsigned kPlicSources = 96;

/// Ticks of `time` a second.
inline constexpr u64 kTimebaseHz = 10'000'000;
inline constexpr u64 kNanosecondsPerTick = 1'000'000'000 / kTimebaseHz;

/// Finisher commands (SiFive test device): written as 32 bits to offset 0.
/// A failure carries its exit status in the upper half: `status << 16 | kFinisherFail`.
inline constexpr u32 kFinisherFail = 0x3333;
inline constexpr u32 kFinisherPass = 0x5555;
inline constexpr u32 kFinisherReset = 0x7777;

}  // namespace quire::arch
