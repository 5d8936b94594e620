#include "guest/drivers/rtc.h"

#include "guest/hal/boot_info.h"
#include "guest/hal/time.h"
#include "guest/mem/kernel_space.h"

namespace kernel {

namespace {
u64 g_offset_ns = 0;
}

void init_rtc() {
  const auto node = boot_info().device_tree.find_compatible("google,goldfish-rtc");
  if (!node || !node->reg()) {
    return;
  }
  auto registers = ioremap(*node->reg());
  if (!registers.ok()) {
    return;
  }
  // Reading the low half latches the high one.
  const volatile u32* const time = reinterpret_cast<volatile u32*>(registers.value());
  const u64 low = time[0];
  const u64 high = time[1];
  g_offset_ns = ((high << 32) | low) - monotonic_ns();
}

u64 realtime_offset_ns() { return g_offset_ns; }
u64 realtime_ns() { return monotonic_ns() + g_offset_ns; }
void set_realtime_ns(u64 now_ns) { g_offset_ns = now_ns - monotonic_ns(); }

}  // namespace kernel
