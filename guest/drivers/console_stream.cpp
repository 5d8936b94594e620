#include "guest/drivers/console_stream.h"

#include "guest/drivers/console_init.h"
#include "guest/drivers/uart.h"
#include "guest/drivers/virtio.h"
#include "quire/arch/bootinfo.h"

namespace kernel {

namespace {
ConsoleStream* g_ports[kConsolePorts];

ConsoleStream& standard(ConsolePort port) {
  ConsoleStream* const stream = g_ports[static_cast<u32>(port)];
  return stream != nullptr ? *stream : uart_stream();
}
}  // namespace

void init_console_streams() {
  for (unsigned i = 0; i < kConsolePorts; i++) {
    g_ports[i] = find_console_port(kConsolePortNames[i]);
  }
  if (g_ports[static_cast<u32>(ConsolePort::kStdin)] == nullptr) {
    init_uart_input();
  }
}

ConsoleStream& console_stdin() { return standard(ConsolePort::kStdin); }
ConsoleStream& console_stdout() { return standard(ConsolePort::kStdout); }
ConsoleStream& console_stderr() { return standard(ConsolePort::kStderr); }
ConsoleStream* console_control() { return g_ports[static_cast<u32>(ConsolePort::kControl)]; }

}  // namespace kernel
