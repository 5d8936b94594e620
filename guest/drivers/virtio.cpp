#include "guest/drivers/virtio.h"

#include <algorithm>

#include "guest/hal/boot_info.h"
#include "guest/lib/log.h"
#include "guest/lib/vector.h"

namespace kernel {

namespace {

KResult<void> probe_device(const FdtNode& node) {
  auto transport = TRY(try_make<VirtioTransport>());
  const auto attached = transport->attach(node);
  if (!attached.ok()) {
    // An empty slot is no error.
    return attached.error() == Errno::kENODEV ? KResult<void>() : KResult<void>(Err(attached.error()));
  }
  switch (transport->device()) {
    case virtio::DeviceId::kConsole:
      return probe_virtio_console(transport);
    case virtio::DeviceId::kBlock:
      return probe_virtio_blk(transport);
    case virtio::DeviceId::kEntropy:
      return probe_virtio_rng(transport);
    case virtio::DeviceId::k9p:
      return probe_virtio_9p(transport);
    default:
      log_info("{}: no driver for virtio device {}", node.name(), transport->device());
      return {};
  }
}

KResult<void> probe_all() {
  const Fdt& tree = boot_info().device_tree;
  Vector<FdtNode> nodes;
  for (auto node = tree.find_compatible("virtio,mmio"); node;
       node = tree.find_compatible("virtio,mmio", node)) {
    if (node->enabled() && node->reg()) {
      TRY(nodes.push(*node));
    }
  }
  // QEMU lists its slots from the highest down.
  std::sort(nodes.begin(), nodes.end(),
            [](const FdtNode& a, const FdtNode& b) { return a.reg()->start < b.reg()->start; });
  for (const FdtNode& node : nodes) {
    const auto probed = probe_device(node);
    if (!probed.ok()) {
      log_warning("{}: {}", node.name(), errno_name(probed.error()));
    }
  }
  return {};
}

}  // namespace

void probe_virtio() {
  const auto probed = probe_all();
  if (!probed.ok()) {
    log_error("looking for virtio devices: {}", errno_name(probed.error()));
  }
}

}  // namespace kernel
