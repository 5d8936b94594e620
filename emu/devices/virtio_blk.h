// virtio block device (virtio 1.2, 5.2) over a raw image.
//
// A request that names sectors beyond the disk or is refused by the host ends with VIRTIO_BLK_S_IOERR;
// one whose shape is wrong breaks the device. Invariant: a completed flush is on the host's disk, and
// so is every completed write when the driver did not accept VIRTIO_BLK_F_FLUSH (5.2.6.2).
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "emu/base/types.h"
#include "emu/devices/disk_image.h"
#include "emu/devices/virtio_device.h"
#include "emu/devices/virtqueue.h"

namespace quire {

class VirtioBlk final : public VirtioDevice {
 public:
  /// `disk_id`: what VIRTIO_BLK_T_GET_ID answers, cut to 20 bytes.
  VirtioBlk(std::unique_ptr<DiskImage> image, std::string_view disk_id);

  std::string_view name() const override { return "virtio-blk"; }
  arch::virtio::DeviceId id() const override { return arch::virtio::DeviceId::kBlock; }
  u64 features() const override;
  u32 queue_count() const override { return 1; }
  std::span<const u8> config() const override;
  void power_on() override {}
  void driver_reset() override {}
  void notified(u32 queue) override;

 private:
  using Transferred = arch::Result<arch::virtio::BlkStatus, QueueError>;

  arch::Result<std::optional<u32>, QueueError> answer(const Chain& chain);
  arch::Result<void, QueueError> put_status(const Chain& chain, arch::virtio::BlkStatus status);
  bool in_range(u64 sector, u64 len_bytes) const;
  Transferred read_sectors(u64 sector, BufferCursor& data, u64 len_bytes, u32& written);
  Transferred write_sectors(u64 sector, BufferCursor& data);
  Transferred get_id(BufferCursor& data, u64 len_bytes, u32& written);

  std::unique_ptr<DiskImage> image_;
  arch::virtio::BlkConfig config_{};
  std::array<u8, arch::virtio::kBlkIdBytes> id_{};
  std::vector<u8> buffer_;  ///< scratch
};

}  // namespace quire
