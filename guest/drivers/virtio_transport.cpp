#include "guest/drivers/virtio_transport.h"

#include <algorithm>
#include <bit>

#include "guest/drivers/interrupt.h"
#include "guest/mem/kernel_space.h"

namespace kernel {

KResult<void> VirtioTransport::attach(const FdtNode& node) {
  const auto range = node.reg();
  if (!range || range->size_bytes < virtio::kRegConfig) {
    return Err(Errno::kENODEV);
  }
  registers_ = TRY(ioremap(*range));
  interrupt_ = interrupt_of(node);
  device_ = static_cast<virtio::DeviceId>(reg(virtio::kRegDeviceId));
  if (reg(virtio::kRegMagicValue) != virtio::kMagicValue || reg(virtio::kRegVersion) != virtio::kVersion ||
      device_ == virtio::DeviceId::kNone) {
    return Err(Errno::kENODEV);
  }
  return {};
}

KResult<void> VirtioTransport::begin(u64 wanted_features) {
  set_reg(virtio::kRegStatus, 0);
  add_status(virtio::kStatusAcknowledge);
  add_status(virtio::kStatusDriver);
  u64 offered = 0;
  for (u32 half = 0; half < 2; half++) {
    set_reg(virtio::kRegDeviceFeaturesSel, half);
    offered |= u64{reg(virtio::kRegDeviceFeatures)} << (32 * half);
  }
  features_ = offered & (wanted_features | virtio::kFeatureVersion1);
  for (u32 half = 0; half < 2; half++) {
    set_reg(virtio::kRegDriverFeaturesSel, half);
    set_reg(virtio::kRegDriverFeatures, static_cast<u32>(features_ >> (32 * half)));
  }
  add_status(virtio::kStatusFeaturesOk);
  if (!has_feature(virtio::kFeatureVersion1) || (reg(virtio::kRegStatus) & virtio::kStatusFeaturesOk) == 0) {
    fail();
    return Err(Errno::kEIO);
  }
  return {};
}

void VirtioTransport::set_address(u32 low_register, PhysAddr address) {
  set_reg(low_register, static_cast<u32>(address.value));
  set_reg(low_register + 4, static_cast<u32>(address.value >> 32));
}

KResult<void> VirtioTransport::setup_queue(u32 index, Virtqueue& queue) {
  set_reg(virtio::kRegQueueSel, index);
  const u32 max = reg(virtio::kRegQueueNumMax);
  if (max == 0 || reg(virtio::kRegQueueReady) != 0) {
    return Err(Errno::kENODEV);
  }
  TRY(queue.create(std::bit_floor(std::min(max, Virtqueue::kMaxSize))));
  set_reg(virtio::kRegQueueNum, queue.size());
  set_address(virtio::kRegQueueDescLow, queue.descriptors());
  set_address(virtio::kRegQueueDriverLow, queue.available_ring());
  set_address(virtio::kRegQueueDeviceLow, queue.used_ring());
  set_reg(virtio::kRegQueueReady, 1);
  return {};
}

KResult<void> VirtioTransport::finish(Handler handler, void* context) {
  handler_ = handler;
  context_ = context;
  if (!interrupt_) {
    fail();
    return Err(Errno::kENODEV);
  }
  TRY(enable_interrupt(*interrupt_, on_interrupt, this));
  add_status(virtio::kStatusDriverOk);
  return {};
}

void VirtioTransport::fail() { add_status(virtio::kStatusFailed); }

void VirtioTransport::notify(u32 index, const Virtqueue& queue) {
  if (queue.wants_notification()) {
    set_reg(virtio::kRegQueueNotify, index);
  }
}

void VirtioTransport::on_interrupt(void* transport) {
  auto& self = *static_cast<VirtioTransport*>(transport);
  const u32 causes = self.reg(virtio::kRegInterruptStatus);
  self.set_reg(virtio::kRegInterruptAck, causes);
  self.handler_(self.context_);
}

}  // namespace kernel
