// The console as a terminal: /dev/console, when a person sits at the standard streams (`quire.tty` on the
// command line names those of them that are the terminal: "012").
#pragma once

#include "guest/proc/terminal.h"

namespace kernel {

KResult<void> register_console_terminal();
/// Null when the standard streams are plain ones.
Terminal* console_terminal();
/// Whether standard stream `number` is the terminal.
bool is_console_stream_terminal(u32 number);

}  // namespace kernel
