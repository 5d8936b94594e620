// The host's requests on the control port: put files, start programs, switch off (quire/arch/bootinfo.h).
#pragma once

#include "guest/lib/types.h"

namespace kernel {

/// Serves until a power-off request, or the end of the port; returns the exit status.
u8 serve_control_port();

}  // namespace kernel
