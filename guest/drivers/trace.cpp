#include "guest/drivers/trace.h"

#include "guest/hal/boot_info.h"
#include "guest/hal/layout.h"
#include "guest/mem/kernel_space.h"

namespace kernel {

namespace trace_detail {
volatile u64* g_port = nullptr;
volatile u64 g_record[kTraceArgs];
}  // namespace trace_detail

void init_trace_port() {
  const auto node = boot_info().device_tree.find_compatible(kTracePortCompatible);
  if (!node || !node->reg()) {
    return;
  }
  auto registers = ioremap(*node->reg());
  if (!registers.ok()) {
    return;
  }
  volatile u64* const port = reinterpret_cast<volatile u64*>(registers.value());
  if (port[kTraceRegId / sizeof(u64)] != kTracePortMagic) {
    return;
  }
  const void* const record = const_cast<const u64*>(trace_detail::g_record);
  port[kTraceRegRecord / sizeof(u64)] = virt_to_phys(record).value;
  trace_detail::g_port = port;
}

}  // namespace kernel
