// Finding the board's devices: each driver has a probe function over the device tree.
#pragma once

#include "guest/hal/boot_info.h"

namespace kernel {

/// UART, interrupt controller, finisher, clock and trace port: what the log and a panic need. No sleeping.
void init_early_drivers();
/// The virtio devices, screen and DMA engine, and the console streams. Needs the scheduler.
void init_drivers();

}  // namespace kernel
