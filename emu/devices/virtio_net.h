// virtio network device (virtio 1.2, 5.1): one pair of queues, no offloads.
//
// Frames that come when the guest has no buffer wait, kMaxWaiting of them; more are dropped, as a wire drops
// them. Invariant: frames go to the guest in the order they came, whole, each in one chain.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <vector>

#include "emu/base/types.h"
#include "emu/devices/network.h"
#include "emu/devices/virtio_device.h"
#include "emu/devices/virtqueue.h"

namespace quire {

using MacAddress = std::array<u8, 6>;

class VirtioNet final : public VirtioDevice {
 public:
  VirtioNet(std::unique_ptr<Network> network, const MacAddress& mac);

  std::string_view name() const override { return "virtio-net"; }
  arch::virtio::DeviceId id() const override { return arch::virtio::DeviceId::kNet; }
  u64 features() const override;
  u32 queue_count() const override { return 2; }
  std::span<const u8> config() const override;
  void power_on() override { driver_reset(); }
  void driver_reset() override;
  void transfer(StateArchive& /*archive*/) override {}
  std::string unsaveable() const override { return "is connected to the host's network"; }
  void notified(u32 queue) override;

  /// Looks for frames that have come since; the machine calls it between slices.
  void poll_inputs();
  const Network& network() const { return *network_; }
  Network& network() { return *network_; }

  static constexpr std::size_t kMaxWaiting = 256;

 private:
  using Answer = arch::Result<std::optional<u32>, QueueError>;

  void received(std::span<const u8> frame);
  void deliver();
  Answer transmit(const Chain& chain);
  Answer fill(const Chain& chain);

  std::unique_ptr<Network> network_;
  arch::virtio::NetConfig config_{};
  std::deque<std::vector<u8>> waiting_;
  std::vector<u8> buffer_;  ///< scratch
};

}  // namespace quire
