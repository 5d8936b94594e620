// The 16550 UART: the kernel log, and the terminal where there are no console ports.
#pragma once

#include "guest/drivers/console_stream.h"

namespace kernel {

/// Maps the UART of the device tree; the log goes there from now on (before: the SBI console).
void init_uart();
/// Enables its receive interrupt.
void init_uart_input();
/// Writes and waits for the transmitter; usable at any time.
void uart_write(StringView text);
/// The UART as a stream.
ConsoleStream& uart_stream();

}  // namespace kernel
