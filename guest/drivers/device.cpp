#include "guest/drivers/device.h"

#include "guest/drivers/console_init.h"
#include "guest/drivers/dma_engine.h"
#include "guest/drivers/entropy.h"
#include "guest/drivers/framebuffer.h"
#include "guest/drivers/interrupt.h"
#include "guest/drivers/power.h"
#include "guest/drivers/rtc.h"
#include "guest/drivers/trace.h"
#include "guest/drivers/uart.h"
#include "guest/drivers/virtio.h"

namespace kernel {

void init_early_drivers() {
  init_uart();
  init_power();
  init_trace_port();
  init_interrupt_controller();
  init_rtc();
}

void init_drivers() {
  probe_virtio();
  init_framebuffer();
  init_dma_engine();
  init_console_streams();
  init_entropy();
}

}  // namespace kernel
