// The first process: brings the name tree up, starts the program or serves the control port, adopts orphans,
// and switches the machine off.
#pragma once

namespace kernel {

/// The last step of booting, on the boot thread; does not return.
[[noreturn]] void run_init();

}  // namespace kernel
