// The DMA engine (docs/dma-engine.md): one transfer at a time, ended by its interrupt.
//
// Invariant: between dma_start and the call of `done`, or dma_abort, the engine is the starter's. Lock: none
// (no preemption; the interrupt comes in user mode or idle).
#pragma once

#include "guest/hal/fdt.h"

namespace kernel {

struct DmaCopy {
  PhysAddr source{};
  PhysAddr destination{};
  u64 bytes = 0;
};

/// Finds it in the device tree, takes its interrupt.
void init_dma_engine();
/// The page of its registers; nothing where the board has no engine.
std::optional<PhysAddr> dma_register_page();

enum class DmaOutcome : u8 { kDone, kFailed };
/// Starts a transfer; `done` is called from the interrupt that ends it. EBUSY, ENODEV.
KResult<void> dma_start(const DmaCopy& copy, void (*done)(void* context, DmaOutcome outcome), void* context);
/// Ends the transfer where it is; `done` will not be called.
void dma_abort();
/// Bytes of the last transfer that are at their destination.
u64 dma_copied();

}  // namespace kernel
