#include "guest/drivers/device.h"

#include "guest/drivers/interrupt.h"
#include "guest/drivers/power.h"
#include "guest/drivers/rtc.h"
#include "guest/drivers/trace.h"
#include "guest/drivers/uart.h"
#include "guest/lib/log.h"

namespace kernel {

void init_early_drivers() {
  init_uart();
  init_power();
  init_trace_port();
  init_interrupt_controller();
  init_rtc();
}

void init_drivers() {
}

}  // namespace kernel
