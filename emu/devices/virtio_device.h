// What a kind of virtio device adds to the transport.
//
// The transport (virtio_mmio.h) owns registers, queues and the interrupt; a device type says what it
// offers and answers requests through VirtioMmio::serve().
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "emu/base/types.h"
#include "quire/arch/virtio.h"
#include "quire/state_archive.h"

namespace quire {

class VirtioMmio;

class VirtioDevice {
 public:
  virtual ~VirtioDevice() = default;
  virtual std::string_view name() const = 0;
  virtual arch::virtio::DeviceId id() const = 0;
  /// Feature bits of the type itself; the transport adds its own.
  virtual u64 features() const = 0;
  virtual u32 queue_count() const = 0;
  /// The configuration space as it is now.
  virtual std::span<const u8> config() const { return {}; }

  /// Back to power-on.
  virtual void power_on() = 0;
  /// The driver reset the device (2.4): forget what was negotiated, keep what outlives a driver.
  virtual void driver_reset() = 0;
  /// The driver made buffers available in `queue`, which exists and is live; or some that wait may be
  /// answered now.
  virtual void notified(u32 queue) = 0;

  /// As quire/device.h has them.
  virtual void transfer(StateArchive& archive) = 0;
  virtual std::string unsaveable() const { return {}; }

  /// What the host refused since power-on, for people: one line, or empty.
  virtual std::string trouble() const { return {}; }

  /// Called once by the transport, before anything else.
  void attach(VirtioMmio& transport) { transport_ = &transport; }

 protected:
  VirtioMmio& transport() const { return *transport_; }

 private:
  VirtioMmio* transport_ = nullptr;
};

}  // namespace quire
