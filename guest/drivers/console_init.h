// Choosing the standard streams; called once, after the virtio devices.
#pragma once

namespace kernel {

void init_console_streams();

}  // namespace kernel
