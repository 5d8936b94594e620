// virtio 9P transport (virtio 1.2, 5.11): a directory of the host behind a mount tag.
//
// A request that gets no reply at all (its buffers are too small for one) is handed back with nothing
// written. Work for one notification is bounded by the ring's size and the largest message.
#pragma once

#include <string>
#include <vector>

#include "emu/base/types.h"
#include "emu/devices/ninep/server.h"
#include "emu/devices/virtio_device.h"
#include "emu/devices/virtqueue.h"

namespace quire {

class Virtio9p final : public VirtioDevice {
 public:
  /// `tag`: what the guest mounts it by. Throws Error(kFile) when `directory` cannot be shared.
  Virtio9p(const std::string& directory, std::string_view tag, share::ShareAccess access);

  std::string_view name() const override { return "virtio-9p"; }
  arch::virtio::DeviceId id() const override { return arch::virtio::DeviceId::k9p; }
  u64 features() const override { return arch::virtio::k9pFeatureMountTag; }
  u32 queue_count() const override { return 1; }
  std::span<const u8> config() const override { return config_; }
  void power_on() override { server_.reset(); }
  void driver_reset() override {}
  void transfer(StateArchive& /*archive*/) override {}
  std::string unsaveable() const override { return "keeps files of the host open"; }
  void notified(u32 queue) override;

 private:
  arch::Result<std::optional<u32>, QueueError> answer(const Chain& chain);

  share::Server server_;
  std::vector<u8> config_;   ///< tag_len[2] tag
  std::vector<u8> request_;  ///< scratch
};

}  // namespace quire
