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
// What takes the host as long as moving so many bytes: the disk itself, a change of the file's holes.
constexpr u64 kFlushCost = 1 << 20;
constexpr u64 kSegmentCost = 128 << 10;

// The geometry that every disk beyond 8 GB claims: there is none, but old partitioning tools divide by it.
constexpr u8 kHeads = 16;
constexpr u8 kSectorsPerTrack = 63;
constexpr u64 kMaxCylinders = 16383;

constexpr std::optional<BlkStatus> kLater = std::nullopt;

}  // namespace

VirtioBlk::VirtioBlk(std::unique_ptr<DiskImage> image, std::string_view disk_id) : image_(std::move(image)) {
  // An image that ends within a sector is padded with zeroes to the next.
  config_.capacity = (image_->size_bytes() + kBlkSectorBytes - 1) / kBlkSectorBytes;
  config_.seg_max = Virtqueue::kMaxSize - 2;  // with the header and the status
  config_.cylinders =
      static_cast<u16>(std::min(config_.capacity / (u64{kHeads} * kSectorsPerTrack), kMaxCylinders));
  config_.heads = kHeads;
  config_.sectors = kSectorsPerTrack;
  config_.blk_size = kBlkSectorBytes;
  // Topology: hosts keep files in pages of 4 KiB, whatever this one's file system does.
  config_.physical_block_exp = 3;
  config_.min_io_size = 8;
  config_.max_discard_sectors = kMaxDiscardSectors;
  config_.max_discard_seg = kMaxDiscardSegments;
  config_.discard_sector_alignment = 8;
  config_.max_write_zeroes_sectors = kMaxWriteZeroesSectors;
  config_.max_write_zeroes_seg = kMaxWriteZeroesSegments;
  config_.write_zeroes_may_unmap = 1;
  std::copy_n(disk_id.begin(), std::min<std::size_t>(disk_id.size(), id_.size()), id_.begin());
}

u64 VirtioBlk::features() const {
  constexpr u64 kAlways =
      kBlkFeatureSegMax | kBlkFeatureGeometry | kBlkFeatureBlkSize | kBlkFeatureFlush | kBlkFeatureTopology;
  return kAlways | (image_->read_only() ? kBlkFeatureReadOnly : kBlkFeatureDiscard | kBlkFeatureWriteZeroes);
}

std::span<const u8> VirtioBlk::config() const {
  return {reinterpret_cast<const u8*>(&config_), sizeof config_};
}

void VirtioBlk::transfer(StateArchive& archive) {
  image_->transfer(archive);
  archive(asked_);
}

void VirtioBlk::notified(u32 queue) {
  transport().serve(queue, [this](Chain& chain) { return answer(chain); });
}

// 5.2.6: a header, data one way or the other, and a status byte that the device writes last.
arch::Result<std::optional<u32>, QueueError> VirtioBlk::answer(Chain& chain) {
  Dma& dma = transport().dma();
  Request request{.header = {},
                  .in = BufferCursor(dma, chain.readable),
                  .out = BufferCursor(dma, chain.writable),
                  .out_bytes = 0,
                  .done_bytes = chain.done_bytes};
  if (request.in.remaining() < sizeof request.header || request.out.remaining() < 1) {
    return Err(QueueError::kBadRequest);
  }
  if (!request.in.read({reinterpret_cast<u8*>(&request.header), sizeof request.header})) {
    return Err(QueueError::kBadAddress);
  }
  request.out_bytes = request.out.remaining() - 1;
  const std::optional<BlkFault> fault = ask_faults(request);
  const std::optional<BlkStatus> status = TRY(fault ? fail(request, *fault) : perform(request));
  if (!status) {
    chain.done_bytes = request.done_bytes;
    return std::optional<u32>();
  }
  asked_ = false;
  TRY(put_status(chain, *status));
  // The used length counts from the first byte: it may include the status only when all before it was
  // written.
  return std::optional(request.written == request.out_bytes ? request.written + 1 : request.written);
}

std::optional<BlkFault> VirtioBlk::ask_faults(const Request& request) {
  if (faults_ == nullptr || asked_) {
    return std::nullopt;
  }
  asked_ = true;
  switch (request.header.type) {
    case BlkRequest::kIn:
      return faults_->fault_of(drive_, BlkOperation::kRead);
    case BlkRequest::kOut:
      return faults_->fault_of(drive_, BlkOperation::kWrite);
    case BlkRequest::kFlush:
      return faults_->fault_of(drive_, BlkOperation::kFlush);
    default:
      return faults_->fault_of(drive_, BlkOperation::kOther);
  }
}

/// A part of the data, at once and whatever the budget, and the status that it says. A part of a sector is
/// transferred as well: that is what a torn one is.
VirtioBlk::Transferred VirtioBlk::fail(Request& request, const BlkFault& fault) {
  const u64 offset = request.header.sector * kBlkSectorBytes;
  const bool reads = request.header.type == BlkRequest::kIn;
  const bool writes = request.header.type == BlkRequest::kOut;
  const u64 data_bytes = reads ? request.out_bytes : writes ? request.in.remaining() : 0;
  const u64 bytes = std::min(fault.bytes, data_bytes);
  if (in_range(request.header.sector, data_bytes)) {
    for (u64 done = 0; done < bytes; done += buffer_.size()) {
      buffer_.resize(std::min(bytes - done, kChunkBytes));
      transport().spend(buffer_.size());
      if (reads && (!image_->read(offset + done, buffer_) || !request.out.write(buffer_))) {
        return Err(QueueError::kBadAddress);
      }
      if (writes &&
          (!request.in.read(buffer_) || image_->read_only() || !image_->write(offset + done, buffer_))) {
        return Err(QueueError::kBadAddress);
      }
    }
  }
  const bool told_done = fault.told == BlkFault::Told::kDone;
  request.written = static_cast<u32>(reads ? (told_done ? request.out_bytes : bytes) : 0);
  return std::optional(told_done ? BlkStatus::kOk : BlkStatus::kIoError);
}

VirtioBlk::Transferred VirtioBlk::perform(Request& request) {
  switch (request.header.type) {
    case BlkRequest::kIn:
      return read_sectors(request);
    case BlkRequest::kOut:
      return write_sectors(request);
    case BlkRequest::kFlush:
      return std::optional(flush() ? BlkStatus::kOk : BlkStatus::kIoError);
    case BlkRequest::kGetId:
      return get_id(request);
    case BlkRequest::kDiscard:
    case BlkRequest::kWriteZeroes:
      return change_segments(request);
  }
  return std::optional(BlkStatus::kUnsupported);
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

bool VirtioBlk::flush() {
  transport().spend(kFlushCost);
  return image_->flush();
}

/// What a change comes to once it is as durable as the driver may expect.
BlkStatus VirtioBlk::written_through(bool written) {
  const bool write_through = !transport().has_feature(kBlkFeatureFlush);
  return written && (!write_through || flush()) ? BlkStatus::kOk : BlkStatus::kIoError;
}

VirtioBlk::Transferred VirtioBlk::read_sectors(Request& request) {
  const u64 sector = request.header.sector;
  if (!in_range(sector, request.out_bytes)) {
    return std::optional(BlkStatus::kIoError);
  }
  if (request.done_bytes > request.out_bytes || !request.out.skip(request.done_bytes)) {
    return Err(QueueError::kBadRequest);
  }
  for (; request.done_bytes < request.out_bytes; request.done_bytes += buffer_.size()) {
    if (!transport().may_go_on()) {
      return kLater;
    }
    buffer_.resize(std::min(request.out_bytes - request.done_bytes, kChunkBytes));
    transport().spend(buffer_.size());
    request.written = static_cast<u32>(request.done_bytes);
    if (!image_->read(sector * kBlkSectorBytes + request.done_bytes, buffer_)) {
      return std::optional(BlkStatus::kIoError);
    }
    if (!request.out.write(buffer_)) {
      return Err(QueueError::kBadAddress);
    }
  }
  request.written = static_cast<u32>(request.out_bytes);
  return std::optional(BlkStatus::kOk);
}

VirtioBlk::Transferred VirtioBlk::write_sectors(Request& request) {
  const u64 sector = request.header.sector;
  // 5.2.6.2: a read-only device fails writes.
  if (image_->read_only() || !in_range(sector, request.in.remaining())) {
    return std::optional(BlkStatus::kIoError);
  }
  if (!request.in.skip(request.done_bytes)) {
    return Err(QueueError::kBadRequest);
  }
  for (; request.in.remaining() > 0; request.done_bytes += buffer_.size()) {
    if (!transport().may_go_on()) {
      return kLater;
    }
    buffer_.resize(std::min(request.in.remaining(), kChunkBytes));
    transport().spend(buffer_.size());
    if (!request.in.read(buffer_)) {
      return Err(QueueError::kBadAddress);
    }
    if (!image_->write(sector * kBlkSectorBytes + request.done_bytes, buffer_)) {
      return std::optional(BlkStatus::kIoError);
    }
  }
  return std::optional(written_through(true));
}

// 5.2.6.2: discard and write zeroes carry segments; each was negotiated, or is not supported.
VirtioBlk::Transferred VirtioBlk::change_segments(Request& request) {
  const bool discard = request.header.type == BlkRequest::kDiscard;
  if (!transport().has_feature(discard ? kBlkFeatureDiscard : kBlkFeatureWriteZeroes)) {
    return std::optional(BlkStatus::kUnsupported);
  }
  const u64 data_bytes = request.in.remaining();
  const u32 max_segments = discard ? kMaxDiscardSegments : kMaxWriteZeroesSegments;
  if (data_bytes == 0 || data_bytes % sizeof(Segment) != 0 || data_bytes / sizeof(Segment) > max_segments) {
    return std::optional(BlkStatus::kIoError);
  }
  if (!request.in.skip(request.done_bytes)) {
    return Err(QueueError::kBadRequest);
  }
  for (; request.in.remaining() > 0; request.done_bytes += sizeof(Segment)) {
    if (!transport().may_go_on()) {
      return kLater;
    }
    Segment segment;
    if (!request.in.read({reinterpret_cast<u8*>(&segment), sizeof segment})) {
      return Err(QueueError::kBadAddress);
    }
    const BlkStatus status = change_segment(request.header.type, segment);
    if (status != BlkStatus::kOk) {
      return std::optional(status);
    }
  }
  return std::optional(written_through(true));
}

BlkStatus VirtioBlk::change_segment(BlkRequest type, const Segment& segment) {
  const bool discard = type == BlkRequest::kDiscard;
  // A flag that is reserved, or unmap on a discard, is not supported.
  if ((segment.flags & ~(discard ? 0U : u32{kBlkSegmentUnmap})) != 0) {
    return BlkStatus::kUnsupported;
  }
  const u64 len_bytes = u64{segment.count} * kBlkSectorBytes;
  if (segment.count > (discard ? kMaxDiscardSectors : kMaxWriteZeroesSectors) ||
      !in_range(segment.sector, len_bytes)) {
    return BlkStatus::kIoError;
  }
  transport().spend(kSegmentCost + (discard ? 0 : len_bytes));
  const u64 offset = segment.sector * kBlkSectorBytes;
  const Unmap unmap = (segment.flags & kBlkSegmentUnmap) != 0 ? Unmap::kYes : Unmap::kNo;
  const bool done =
      discard ? image_->discard(offset, len_bytes) : image_->write_zeroes(offset, len_bytes, unmap);
  return done ? BlkStatus::kOk : BlkStatus::kIoError;
}

VirtioBlk::Transferred VirtioBlk::get_id(Request& request) {
  if (request.out_bytes < id_.size()) {
    return std::optional(BlkStatus::kIoError);
  }
  if (!request.out.write(id_)) {
    return Err(QueueError::kBadAddress);
  }
  request.written = static_cast<u32>(id_.size());
  return std::optional(BlkStatus::kOk);
}

}  // namespace quire
