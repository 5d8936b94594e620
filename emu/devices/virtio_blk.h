// virtio block device (virtio 1.2, 5.2) over a raw image.
//
// A request that names sectors beyond the disk or is refused by the host ends with VIRTIO_BLK_S_IOERR, one
// that was not negotiated or is not known with VIRTIO_BLK_S_UNSUPP; one whose shape is wrong breaks the
// device. Invariant: a completed flush is on the host's disk, and so is every completed write when the driver
// did not accept VIRTIO_BLK_F_FLUSH (5.2.6.2). What the guest sees of an image depends on its bytes and its
// size alone.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "emu/base/types.h"
#include "emu/devices/disk_image.h"
#include "emu/devices/faults.h"
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
  void power_on() override { asked_ = false; }
  void driver_reset() override { asked_ = false; }
  void transfer(StateArchive& archive) override;
  std::string unsaveable() const override { return image_->unsaveable(); }
  void notified(u32 queue) override;
  std::string trouble() const override { return image_->trouble(); }

  DiskImage& image() { return *image_; }
  /// Null: nothing goes wrong. `drive`: what this disk is called when it asks.
  void set_faults(BlkFaults* faults, unsigned drive) {
    faults_ = faults;
    drive_ = drive;
  }

  // Limits of the configuration space (5.2.4), in sectors and segments.
  static constexpr u32 kMaxDiscardSectors = 1U << 22;
  static constexpr u32 kMaxDiscardSegments = 32;
  /// Smaller: a host without fallocate() has to write them.
  static constexpr u32 kMaxWriteZeroesSectors = 1U << 14;
  static constexpr u32 kMaxWriteZeroesSegments = 8;

 private:
  struct Request {
    arch::virtio::BlkHeader header;
    BufferCursor in;
    BufferCursor out;
    u64 out_bytes;    ///< without the status byte
    u64 done_bytes;   ///< of the data
    u32 written = 0;  ///< into the guest's memory
  };
  /// Empty when the budget is spent before the data.
  using Transferred = arch::Result<std::optional<arch::virtio::BlkStatus>, QueueError>;
  using Segment = arch::virtio::BlkSegment;

  arch::Result<std::optional<u32>, QueueError> answer(Chain& chain);
  std::optional<BlkFault> ask_faults(const Request& request);
  Transferred fail(Request& request, const BlkFault& fault);
  Transferred perform(Request& request);
  arch::Result<void, QueueError> put_status(const Chain& chain, arch::virtio::BlkStatus status);
  bool in_range(u64 sector, u64 len_bytes) const;
  Transferred read_sectors(Request& request);
  Transferred write_sectors(Request& request);
  Transferred change_segments(Request& request);
  arch::virtio::BlkStatus change_segment(arch::virtio::BlkRequest type, const Segment& segment);
  arch::virtio::BlkStatus written_through(bool written);
  Transferred get_id(Request& request);
  bool flush();

  std::unique_ptr<DiskImage> image_;
  arch::virtio::BlkConfig config_{};
  std::array<u8, arch::virtio::kBlkIdBytes> id_{};
  std::vector<u8> buffer_;  ///< scratch
  BlkFaults* faults_ = nullptr;
  unsigned drive_ = 0;
  bool asked_ = false;  ///< whether the request being served goes wrong: it may be served in parts
};

}  // namespace quire
