// The trace port: how the supervisor tells the host about its events.
//
// The guest keeps a record of up to kTraceArgs 64-bit words in RAM, registers its physical address
// once, and then rings the doorbell once an event. It does so whether or not anybody listens, so
// that recording never changes what the guest executes. Absent on other emulators' boards: the
// device tree's node `quire,trace-port` says whether it is there.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

inline constexpr const char* kTracePortCompatible = "quire,trace-port";
inline constexpr unsigned kTraceArgs = 8;

/// Register offsets; all registers are 64 bits wide and aligned.
inline constexpr u64 kTraceRegId = 0x00;  ///< read: kTracePortMagic
inline constexpr u64 kTraceRegRecord =
    0x08;  ///< write: physical address of the hart's record (8-byte aligned)
inline constexpr u64 kTraceRegDoorbell = 0x10;  ///< write: event id | argument count << 16

inline constexpr u64 kTracePortMagic = 0x31'4543'4152'5451;  // "QTRACE1", little-endian

enum class TraceEventId : u16 {
#define QUIRE_TRACE_EVENT(id, name, ...) k_##name = (id),
#include "quire/arch/trace_events.inc"
#undef QUIRE_TRACE_EVENT
};

/// How a page fault was answered (argument `kind` of page_fault).
enum class FaultKind : u8 {
#define QUIRE_FAULT_KIND(id, name) k_##name = (id),
#include "quire/arch/fault_kinds.inc"
#undef QUIRE_FAULT_KIND
};

}  // namespace quire::arch
