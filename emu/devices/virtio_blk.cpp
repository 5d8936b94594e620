#include "emu/devices/virtio_blk.h"

#include <algorithm>
#include <cstring>

#include "emu/devices/virtio_mmio.h"

namespace quire {

using arch::Err;
using namespace arch::virtio;  // NOLINT(google-build-using-namespace): the feature and request names

namespace {

/// Host memory used for one step of a transfer; a whole number of sectors.
constexpr u64 kChunkBytes = 64 << 10;

}  // namespace

VirtioBlk::VirtioBlk(std::unique_ptr<DiskImage> image, std::string_view disk_id) : image_(std::move(image)) {
  // An image that ends within a sector is padded with zeroes to the next.
  config_.capacity = (image_->size_bytes() + kBlkSectorBytes - 1) / kBlkSectorBytes;
  config_.seg_max = Virtqueue::kMaxSize - 2;  // with the header and the status
  config_.blk_size = kBlkSectorBytes;
  std::copy_n(disk_id.begin(), std::min<std::size_t>(disk_id.size(), id_.size()), id_.begin());
}

u64 VirtioBlk::features() const {
  return kBlkFeatureSegMax | kBlkFeatureBlkSize | kBlkFeatureFlush |
         (image_->read_only() ? kBlkFeatureReadOnly : 0);
}

std::span<const u8> VirtioBlk::config() const {
  return {reinterpret_cast<const u8*>(&config_), sizeof config_};
}

void VirtioBlk::notified(u32 queue) {
  transport().serve(queue, [this](const Chain& chain) { return answer(chain); });
}

// 5.2.6: a header, data one way or the other, and a status byte that the device writes last.
arch::Result<std::optional<u32>, QueueError> VirtioBlk::answer(const Chain& chain) {
  BufferCursor in(transport().dma(), chain.readable);
  BufferCursor out(transport().dma(), chain.writable);
  BlkHeader header;
  if (in.remaining() < sizeof header || out.remaining() < 1) {
    return Err(QueueError::kBadRequest);
  }
  if (!in.read({reinterpret_cast<u8*>(&header), sizeof header})) {
    return Err(QueueError::kBadAddress);
  }
  const u64 out_bytes = out.remaining() - 1;
  u32 written = 0;
  BlkStatus status = BlkStatus::kUnsupported;
  switch (header.type) {
    case BlkRequest::kIn:
      status = TRY(read_sectors(header.sector, out, out_bytes, written));
      break;
    case BlkRequest::kOut:
      status = TRY(write_sectors(header.sector, in));
      break;
    case BlkRequest::kFlush:
      status = image_->read_only() || image_->flush() ? BlkStatus::kOk : BlkStatus::kIoError;
      break;
    case BlkRequest::kGetId:
      status = TRY(get_id(out, out_bytes, written));
      break;
    default:
      break;
  }
  TRY(put_status(chain, status));
  // The used length counts from the first byte: it may include the status only when all before it was
  // written.
  return std::optional(written == out_bytes ? written + 1 : written);
}

/// The last writable byte, wherever the data stopped.
arch::Result<void, QueueError> VirtioBlk::put_status(const Chain& chain, BlkStatus status) {
  const auto last = std::find_if(chain.writable.rbegin(), chain.writable.rend(),
                                 [](const GuestBuffer& buffer) { return buffer.len_bytes > 0; });
  const u8 byte = static_cast<u8>(status);
  if (!transport().dma().write(last->address + last->len_bytes - 1, std::span(&byte, 1))) {
    return Err(QueueError::kBadAddress);
  }
  return {};
}

bool VirtioBlk::in_range(u64 sector, u64 len_bytes) const {
  return len_bytes % kBlkSectorBytes == 0 && sector <= config_.capacity &&
         len_bytes / kBlkSectorBytes <= config_.capacity - sector;
}

VirtioBlk::Transferred VirtioBlk::read_sectors(u64 sector, BufferCursor& data, u64 len_bytes, u32& written) {
  if (!in_range(sector, len_bytes)) {
    return BlkStatus::kIoError;
  }
  u64 offset = sector * kBlkSectorBytes;
  for (u64 left = len_bytes; left > 0; left -= buffer_.size()) {
    buffer_.resize(std::min(left, kChunkBytes));
    if (!image_->read(offset, buffer_)) {
      return BlkStatus::kIoError;
    }
    if (!data.write(buffer_)) {
      return Err(QueueError::kBadAddress);
    }
    offset += buffer_.size();
    written += static_cast<u32>(buffer_.size());
  }
  return BlkStatus::kOk;
}

VirtioBlk::Transferred VirtioBlk::write_sectors(u64 sector, BufferCursor& data) {
  if (image_->read_only() || !in_range(sector, data.remaining())) {
    return BlkStatus::kIoError;
  }
  u64 offset = sector * kBlkSectorBytes;
  while (data.remaining() > 0) {
    buffer_.resize(std::min(data.remaining(), kChunkBytes));
    if (!data.read(buffer_)) {
      return Err(QueueError::kBadAddress);
    }
    if (!image_->write(offset, buffer_)) {
      return BlkStatus::kIoError;
    }
    offset += buffer_.size();
  }
  const bool write_through = !transport().has_feature(kBlkFeatureFlush);
  return write_through && !image_->flush() ? BlkStatus::kIoError : BlkStatus::kOk;
}

VirtioBlk::Transferred VirtioBlk::get_id(BufferCursor& data, u64 len_bytes, u32& written) {
  if (len_bytes < id_.size()) {
    return BlkStatus::kIoError;
  }
  if (!data.write(id_)) {
    return Err(QueueError::kBadAddress);
  }
  written = static_cast<u32>(id_.size());
  return BlkStatus::kOk;
}

}  // namespace quire
