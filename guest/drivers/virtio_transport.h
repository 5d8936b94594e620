// VirtioTransport: a virtio device behind the MMIO registers of version 2 (virtio 1.2, 4.2).
//
// A driver goes through begin() -> setup_queue() for each queue -> finish(). Devices of the legacy layout
// (version 1) are not served.
#pragma once

#include "guest/drivers/virtqueue.h"
#include "guest/hal/fdt.h"

namespace kernel {

class VirtioTransport : NonCopyable {
 public:
  /// Called for the device's interrupt: completed buffers, or a changed configuration.
  using Handler = void (*)(void* context);

  /// Maps the registers. ENODEV when no device of version 2 is behind them.
  KResult<void> attach(const FdtNode& node);
  virtio::DeviceId device() const { return device_; }

  /// Resets the device and agrees on the wanted features that it offers, and version 1. EIO when it refuses.
  KResult<void> begin(u64 wanted_features);
  bool has_feature(u64 feature) const { return (features_ & feature) != 0; }
  /// ENODEV when the device has no such queue.
  KResult<void> setup_queue(u32 index, Virtqueue& queue);
  /// The device may work from here on.
  KResult<void> finish(Handler handler, void* context);
  /// Tells the device that the driver gave up.
  void fail();

  /// Tells the device that `queue` has new buffers, if it wants to know.
  void notify(u32 index, const Virtqueue& queue);

  /// Reads part of the configuration space: u8, u16, u32 or u64 at its own alignment.
  template <class T>
  T config(usize offset) const {
    T value;
    u32 generation;
    do {
      generation = reg(virtio::kRegConfigGeneration);
      if constexpr (sizeof(T) == 8) {
        const u64 low = reg(static_cast<u32>(virtio::kRegConfig + offset));
        value = low | (u64{reg(static_cast<u32>(virtio::kRegConfig + offset + 4))} << 32);
      } else {
        value = *reinterpret_cast<const volatile T*>(registers_ + virtio::kRegConfig + offset);
      }
    } while (generation != reg(virtio::kRegConfigGeneration));
    return value;
  }

 private:
  u32 reg(u32 offset) const { return *reinterpret_cast<const volatile u32*>(registers_ + offset); }
  void set_reg(u32 offset, u32 value) { *reinterpret_cast<volatile u32*>(registers_ + offset) = value; }
  void set_address(u32 low_register, PhysAddr address);
  void add_status(u32 bits) { set_reg(virtio::kRegStatus, reg(virtio::kRegStatus) | bits); }
  static void on_interrupt(void* transport);

  volatile u8* registers_ = nullptr;
  std::optional<u32> interrupt_;
  virtio::DeviceId device_ = virtio::DeviceId::kNone;
  u64 features_ = 0;
  Handler handler_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace kernel
