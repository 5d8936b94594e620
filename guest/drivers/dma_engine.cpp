#include "guest/drivers/dma_engine.h"

#include "guest/drivers/interrupt.h"
#include "guest/hal/boot_info.h"
#include "guest/hal/fence.h"
#include "guest/lib/log.h"
#include "guest/mem/kernel_space.h"
#include "quire/arch/dma_engine.h"
#include "quire/arch/sv39.h"

namespace kernel {

namespace {

volatile u64* g_registers = nullptr;
PhysAddr g_page{};
void (*g_done)(void* context, DmaOutcome outcome) = nullptr;
void* g_context = nullptr;

volatile u64& reg(u64 offset) { return g_registers[offset / sizeof(u64)]; }

void on_interrupt(void*) {
  const u64 status = reg(kDmaRegStatus);
  const u64 ended = status & (kDmaDone | kDmaError);
  reg(kDmaRegStatus) = ended;  // what comes after the look stays
  if (g_done == nullptr || ended == 0) {
    return;  // aborted in the meantime
  }
  // The next transfer may be started by `done`.
  auto* const done = g_done;
  g_done = nullptr;
  done(g_context, (status & kDmaError) != 0 ? DmaOutcome::kFailed : DmaOutcome::kDone);
}

}  // namespace

void init_dma_engine() {
  const auto node = boot_info().device_tree.find_compatible(kDmaCompatible);
  if (!node || !node->enabled() || !node->reg()) {
    return;
  }
  const auto source = interrupt_of(*node);
  auto registers = ioremap(*node->reg());
  if (!source || !registers.ok()) {
    return;
  }
  g_registers = reinterpret_cast<volatile u64*>(registers.value());
  if (reg(kDmaRegId) != kDmaMagic || !enable_interrupt(*source, &on_interrupt, nullptr).ok()) {
    log_warning("dma: {} does not answer as a DMA engine", node->name());
    g_registers = nullptr;
    return;
  }
  g_page = PhysAddr(align_down(node->reg()->start, kPageBytes));
}

std::optional<PhysAddr> dma_register_page() {
  return g_registers != nullptr ? std::optional(g_page) : std::nullopt;
}

KResult<void> dma_start(const DmaCopy& copy, void (*done)(void* context, DmaOutcome outcome), void* context) {
  if (g_registers == nullptr) {
    return Err(Errno::kENODEV);
  }
  if (g_done != nullptr) {
    return Err(Errno::kEBUSY);
  }
  g_done = done;
  g_context = context;
  reg(kDmaRegSource) = copy.source.value;
  reg(kDmaRegDestination) = copy.destination.value;
  reg(kDmaRegLength) = copy.bytes;
  fence_memory();
  reg(kDmaRegControl) = kDmaStart | kDmaInterruptEnable;
  return {};
}

void dma_abort() {
  if (g_registers != nullptr && g_done != nullptr) {
    reg(kDmaRegControl) = kDmaAbort;
    reg(kDmaRegStatus) = kDmaDone | kDmaError;
    g_done = nullptr;
  }
}

u64 dma_copied() { return g_registers != nullptr ? reg(kDmaRegCopied) : 0; }

}  // namespace kernel
