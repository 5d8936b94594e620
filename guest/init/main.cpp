// Early boot, in the order that the layers need: what is below runs before what is above.
#include "guest/drivers/device.h"
#include "guest/drivers/power.h"
#include "guest/drivers/uart.h"
#include "guest/fs/reclaim.h"
#include "guest/hal/boot_info.h"
#include "guest/hal/clear_page.h"
#include "guest/hal/hart.h"
#include "guest/hal/time.h"
#include "guest/hal/trap.h"
#include "guest/init/init_process.h"
#include "guest/init/selftest.h"
#include "guest/lib/log.h"
#include "guest/lib/parse.h"
#include "guest/mem/frame.h"
#include "guest/mem/kernel_space.h"
#include "guest/sched/thread.h"

// supervisor.lds
extern "C" {
using Constructor = void (*)();
extern const Constructor init_array_start[];
extern const Constructor init_array_end[];
}

namespace kernel {

namespace {

void run_static_constructors() {
  for (const Constructor* constructor = init_array_start; constructor != init_array_end; constructor++) {
    (*constructor)();
  }
}

void choose_log_level() {
  if (const auto option = boot_option("quire.loglevel")) {
    if (const auto level = parse_number(*option); level && *level <= 7) {
      set_log_level(static_cast<LogLevel>(*level));
    }
  }
}

}  // namespace

extern "C" [[noreturn]] void kernel_main(u64 hart_id, u64 device_tree) {
  const u64 started_ns = monotonic_ns();
  run_static_constructors();
  init_panic();
  set_log_sink(uart_write);
  this_hart().hart_id = hart_id;
  init_traps();
  init_boot_info(hart_id, PhysAddr(device_tree));
  choose_log_level();
  init_clear_pages(boot_info().zero_block_bytes);
  init_frames(boot_info());
  init_kernel_space(boot_info());
  init_early_drivers();
  init_scheduler();
  log_info("hart {}, {} MiB free of {}, {} ticks a second, command line \"{}\"", hart_id,
           memory_stats().free() >> 8, memory_stats().total >> 8, timebase_hz(), boot_info().command_line);
  init_drivers();
  init_reclaim();
  log_info("lower layers up after {} us", (monotonic_ns() - started_ns) / 1000);
  if (boot_option("quire.selftest")) {
    power_off(run_selftest() ? 0 : 1);
  }
  run_init();
}

}  // namespace kernel
