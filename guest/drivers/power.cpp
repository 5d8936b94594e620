#include "guest/drivers/power.h"

#include "guest/drivers/trace.h"
#include "guest/drivers/uart.h"
#include "guest/hal/boot_info.h"
#include "guest/hal/sbi.h"
#include "guest/lib/panic.h"
#include "guest/mem/kernel_space.h"
#include "quire/arch/memmap.h"

namespace kernel {

namespace {

volatile u32* g_finisher = nullptr;
constexpr u8 kPanicStatus = 255;

[[noreturn]] void on_panic(const PanicReport& report) {
  char line[320];
  uart_write(format_into(line, "panic: {} (pc {:x})\n", report.message, report.pc));
  trace(TraceEventId::k_panic, report.pc, u64{0});
  power_off(kPanicStatus);
}

}  // namespace

void init_panic() {
  set_panic_hook([](const PanicReport& report) { on_panic(report); });
}

void init_power() {
  const auto node = boot_info().device_tree.find_compatible("sifive,test0");
  if (!node || !node->reg()) {
    return;
  }
  auto registers = ioremap(*node->reg());
  if (registers.ok()) {
    g_finisher = reinterpret_cast<volatile u32*>(registers.value());
  }
}

void power_off(u8 status) {
  if (g_finisher != nullptr) {
    *g_finisher = status == 0 ? kFinisherPass : (u32{status} << 16) | kFinisherFail;
  } else {
    sbi::shutdown();
  }
  // The board may take a while to stop (QEMU does); a second request would replace the status of the first.
  for (;;) {
    asm volatile("wfi");
  }
}

}  // namespace kernel
