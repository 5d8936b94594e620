// The virtio drivers, and the probe that hands each device of the board to its driver.
#pragma once

#include "guest/drivers/console_stream.h"
#include "guest/drivers/virtio_transport.h"
#include "guest/lib/unique_ptr.h"

namespace kernel {

/// Attaches every virtio-mmio device in the order of its address. A device that fails is logged and left out.
void probe_virtio();

/// Drivers keep a transport that they accept for ever.
KResult<void> probe_virtio_console(UniquePtr<VirtioTransport>& transport);
KResult<void> probe_virtio_blk(UniquePtr<VirtioTransport>& transport);
KResult<void> probe_virtio_rng(UniquePtr<VirtioTransport>& transport);
KResult<void> probe_virtio_9p(UniquePtr<VirtioTransport>& transport);

/// The stream of the console port of that name, or null.
ConsoleStream* find_console_port(StringView name);
/// Fills `to` from the entropy device. ENODEV without one.
KResult<void> read_virtio_rng(ByteSpan to);

}  // namespace kernel
