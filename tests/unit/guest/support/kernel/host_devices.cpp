// What the host's supervisor has no devices for: screen, DMA engine, kernel threads, and vmalloc, which here
// is the host's own memory.
#include <cstdlib>

#include "guest/drivers/dma_engine.h"
#include "guest/drivers/framebuffer.h"
#include "guest/mem/vmalloc.h"
#include "guest/sched/wait.h"

namespace kernel {

KResult<RefPtr<Thread>> Thread::spawn(StringView, void (*)(void*), void*) { return Err(Errno::kENOMEM); }
KResult<void> sleep_until(u64, Interruptible) { return {}; }

const Framebuffer* framebuffer() { return nullptr; }
std::optional<PhysAddr> dma_register_page() { return std::nullopt; }
KResult<void> dma_start(const DmaCopy&, void (*)(void*, DmaOutcome), void*) { return Err(Errno::kENODEV); }
void dma_abort() {}
u64 dma_copied() { return 0; }

KResult<void*> vmalloc(usize bytes, const char*) {
  void* const memory = std::calloc(1, bytes);
  return memory != nullptr ? KResult<void*>(memory) : Err(Errno::kENOMEM);
}
void vfree(void* memory) { std::free(memory); }
KResult<void> vmalloc_populate(void*) { return {}; }
KResult<Frame*> vmalloc_frame(const void*) { return Err(Errno::kENOMEM); }
KResult<void> vmalloc_expect_touch(const void*) { return {}; }
u64 vmalloc_pages(const void*) { return 0; }
const VmallocStats& vmalloc_stats() {
  static const VmallocStats stats;
  return stats;
}

}  // namespace kernel
