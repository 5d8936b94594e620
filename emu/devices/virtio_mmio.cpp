#include "emu/devices/virtio_mmio.h"

#include <cstring>

namespace quire {

using namespace arch::virtio;  // NOLINT(google-build-using-namespace): the register and bit names

namespace {

constexpr u32 kVendorId = 0x7551;  // "Qu"
// What a chain and each of its descriptors cost the host, beside the bytes it names.
constexpr u64 kChainCost = 512;
constexpr u64 kDescriptorCost = 64;
constexpr u64 kTransportFeatures = kFeatureVersion1 | kFeatureIndirectDesc | kFeatureEventIdx;

constexpr u32 half(u64 value, u32 select) {
  return select < 2 ? static_cast<u32>(value >> (32 * select)) : 0;
}

constexpr void set_half(u64& value, unsigned select, u32 word) {
  const unsigned shift = 32 * select;
  value = (value & ~(u64{0xffff'ffff} << shift)) | u64{word} << shift;
}

}  // namespace

VirtioMmio::VirtioMmio(std::unique_ptr<VirtioDevice> device, Dma& dma, IrqLine& irq, Clock& clock)
    : device_(std::move(device)), dma_(dma), irq_(irq), clock_(clock), budget_(clock) {
  device_->attach(*this);
  for (u32 i = 0; i < device_->queue_count(); ++i) {
    queues_.emplace_back(dma_);
  }
  reset();
}

VirtioMmio::~VirtioMmio() { cancel_resumptions(); }

void VirtioMmio::reset() {
  driver_reset();
  first_failure_ = {};
  device_->power_on();
}

// The budget goes on: a driver cannot fill it by resetting the device.
void VirtioMmio::driver_reset() {
  cancel_resumptions();
  for (Queue& queue : queues_) {
    queue.setup = {};
    queue.ring.stop();
  }
  status_ = 0;
  interrupt_status_ = 0;
  device_features_sel_ = driver_features_sel_ = 0;
  driver_features_ = 0;
  queue_sel_ = 0;
  failure_ = {};
  irq_.set(false);
  device_->driver_reset();
}

bool VirtioMmio::live() const {
  constexpr u32 kRunning = kStatusFeaturesOk | kStatusDriverOk;
  return (status_ & kRunning) == kRunning && (status_ & kStatusDeviceNeedsReset) == 0;
}

u32 VirtioMmio::pending(u32 queue) {
  if (!live() || !queues_[queue].ring.ready()) {
    return 0;
  }
  auto waiting = queues_[queue].ring.pending();
  if (!waiting.ok()) {
    fail(waiting.error());
    return 0;
  }
  return waiting.value();
}

void VirtioMmio::serve(u32 queue, const Virtqueue::Handler& handler) {
  if (!live() || !queues_[queue].ring.ready()) {
    return;
  }
  // Asked first, so that a notify costs nothing while the budget is closed.
  if (!budget_.open()) {
    resume_later(queue);
    return;
  }
  auto interrupt =
      queues_[queue].ring.serve([&](Chain& chain) -> arch::Result<std::optional<u32>, QueueError> {
        if (!budget_.open()) {
          return std::optional<u32>();
        }
        budget_.spend(kChainCost + kDescriptorCost * (chain.readable.size() + chain.writable.size()));
        return handler(chain);
      });
  if (!interrupt.ok()) {
    fail(interrupt.error());
    return;
  }
  if (interrupt.value()) {
    raise(kInterruptUsedBuffer);
  }
  if (!budget_.open()) {
    resume_later(queue);
  }
}

void VirtioMmio::resume_later(u32 queue) {
  if (!queues_[queue].resumption) {
    queues_[queue].resumption = clock_.schedule(budget_.opens_at_ns(), [this, queue] { resume(queue); });
  }
}

void VirtioMmio::resume(u32 queue) {
  queues_[queue].resumption.reset();
  if (live() && queues_[queue].ring.ready()) {
    device_->notified(queue);
  }
}

void VirtioMmio::cancel_resumptions() {
  for (Queue& queue : queues_) {
    if (queue.resumption) {
      clock_.cancel(*queue.resumption);
      queue.resumption.reset();
    }
  }
}

std::string VirtioMmio::trouble() const {
  std::string host = device_->trouble();
  if (!host.empty() || first_failure_.empty()) {
    return host;
  }
  return std::string(device_->name()) + ": the guest's driver broke a rule: " + std::string(first_failure_);
}

void VirtioMmio::raise(InterruptBit cause) {
  interrupt_status_ |= cause;
  irq_.set(true);
}

// 2.1.2: after DRIVER_OK the driver is told by a configuration change.
void VirtioMmio::fail(QueueError error) {
  failure_ = describe(error);
  if (first_failure_.empty()) {
    first_failure_ = failure_;
  }
  status_ |= kStatusDeviceNeedsReset;
  if ((status_ & kStatusDriverOk) != 0) {
    raise(kInterruptConfigChange);
  }
}

u64 VirtioMmio::offered_features() const { return device_->features() | kTransportFeatures; }

VirtioMmio::Queue* VirtioMmio::selected() {
  return queue_sel_ < queues_.size() ? &queues_[queue_sel_] : nullptr;
}

// 4.2.2.2: the driver uses aligned 32-bit accesses below the configuration space, any width within.
u64 VirtioMmio::read(u64 offset, unsigned size) {
  if (offset >= kRegConfig) {
    return read_config(offset - kRegConfig, size);
  }
  return size == 4 ? read_register(static_cast<u32>(offset)) : 0;
}

void VirtioMmio::write(u64 offset, unsigned size, u64 value) {
  // No device type here has a writable configuration field.
  if (offset < kRegConfig && size == 4) {
    write_register(static_cast<u32>(offset), static_cast<u32>(value));
  }
}

u64 VirtioMmio::read_config(u64 offset, unsigned size) const {
  const std::span<const u8> config = device_->config();
  u64 value = 0;
  for (unsigned i = 0; i < size && offset + i < config.size(); ++i) {
    value |= u64{config[offset + i]} << (8 * i);
  }
  return value;
}

u32 VirtioMmio::read_register(u32 offset) {
  switch (offset) {
    case kRegMagicValue:
      return kMagicValue;
    case kRegVersion:
      return kVersion;
    case kRegDeviceId:
      return static_cast<u32>(device_->id());
    case kRegVendorId:
      return kVendorId;
    case kRegDeviceFeatures:
      return half(offered_features(), device_features_sel_);
    case kRegQueueNumMax:
      return selected() != nullptr ? Virtqueue::kMaxSize : 0;
    case kRegQueueReady:
      return selected() != nullptr && selected()->ring.ready();
    case kRegInterruptStatus:
      return interrupt_status_;
    case kRegStatus:
      return status_;
    case kRegConfigGeneration:
      return 0;  // no configuration here ever changes
    case kRegShmLenLow:
    case kRegShmLenHigh:
    case kRegShmBaseLow:
    case kRegShmBaseHigh:
      return ~u32{0};  // no shared memory regions
    default:
      return 0;
  }
}

void VirtioMmio::write_register(u32 offset, u32 value) {
  switch (offset) {
    case kRegDeviceFeaturesSel:
      device_features_sel_ = value;
      break;
    case kRegDriverFeatures:
      write_driver_features(value);
      break;
    case kRegDriverFeaturesSel:
      driver_features_sel_ = value;
      break;
    case kRegQueueSel:
      queue_sel_ = value;
      break;
    case kRegQueueReady:
      write_queue_ready(value);
      break;
    case kRegQueueNotify:
      if (value < queues_.size() && live() && queues_[value].ring.ready()) {
        device_->notified(value);
      }
      break;
    case kRegInterruptAck:
      interrupt_status_ &= ~value;
      irq_.set(interrupt_status_ != 0);
      break;
    case kRegStatus:
      write_status(value);
      break;
    default:
      write_queue_setup(offset, value);
      break;
  }
}

// 3.1.1: features are fixed once FEATURES_OK is set.
void VirtioMmio::write_driver_features(u32 value) {
  if ((status_ & kStatusFeaturesOk) == 0 && driver_features_sel_ < 2) {
    set_half(driver_features_, driver_features_sel_, value);
  }
}

// 2.1.1: the driver only ever adds bits; FEATURES_OK does not stick when the choice is not acceptable
// (2.2.2: a feature that was not offered; 6.1: VIRTIO_F_VERSION_1 is needed here).
void VirtioMmio::write_status(u32 value) {
  if (value == 0) {
    driver_reset();
    return;
  }
  constexpr u32 kDriverBits =
      kStatusAcknowledge | kStatusDriver | kStatusDriverOk | kStatusFeaturesOk | kStatusFailed;
  u32 added = value & kDriverBits;
  const bool acceptable =
      (driver_features_ & ~offered_features()) == 0 && (driver_features_ & kFeatureVersion1) != 0;
  if ((status_ & kStatusFeaturesOk) == 0 && !acceptable) {
    added &= ~kStatusFeaturesOk;
  }
  status_ |= added;
}

// 4.2.2.2: not while the queue is in use.
void VirtioMmio::write_queue_setup(u32 offset, u32 value) {
  Queue* queue = selected();
  if (queue == nullptr || queue->ring.ready()) {
    return;
  }
  Virtqueue::Setup& setup = queue->setup;
  switch (offset) {
    case kRegQueueNum:
      setup.size = value;
      break;
    case kRegQueueDescLow:
    case kRegQueueDescHigh:
      set_half(setup.desc, offset == kRegQueueDescHigh, value);
      break;
    case kRegQueueDriverLow:
    case kRegQueueDriverHigh:
      set_half(setup.avail, offset == kRegQueueDriverHigh, value);
      break;
    case kRegQueueDeviceLow:
    case kRegQueueDeviceHigh:
      set_half(setup.used, offset == kRegQueueDeviceHigh, value);
      break;
    default:
      break;
  }
}

void VirtioMmio::write_queue_ready(u32 value) {
  Queue* queue = selected();
  if (queue == nullptr) {
    return;
  }
  if ((value & 1) == 0) {
    queue->ring.stop();
  } else if (!queue->ring.ready()) {
    auto started = queue->ring.start(queue->setup, driver_features_);
    if (!started.ok()) {
      fail(started.error());
    }
  }
}

void VirtioMmio::transfer(StateArchive& archive) {
  archive(status_, interrupt_status_, device_features_sel_, driver_features_sel_, driver_features_,
          queue_sel_);
  archive(failure_, first_failure_);
  budget_.transfer(archive);
  for (u32 i = 0; i < queues_.size(); ++i) {
    Queue& queue = queues_[i];
    Virtqueue::transfer(archive, queue.setup);
    queue.ring.transfer(archive);
    archive.event(clock_, queue.resumption, [this, i] { resume(i); });
  }
  device_->transfer(archive);
}

}  // namespace quire
