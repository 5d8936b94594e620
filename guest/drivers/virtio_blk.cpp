// virtio block device (virtio 1.2, 5.2): several requests in flight, each with a sleeping thread.
#include <algorithm>

#include "guest/drivers/block.h"
#include "guest/drivers/virtio.h"
#include "guest/hal/layout.h"
#include "guest/lib/log.h"
#include "guest/lib/panic.h"
#include "guest/mem/injection.h"

namespace kernel {

namespace {

class VirtioBlk final : public BlockDevice {
 public:
  explicit VirtioBlk(VirtioTransport& transport) : transport_(transport) {}

  KResult<void> init() {
    TRY(transport_.begin(virtio::kBlkFeatureReadOnly | virtio::kBlkFeatureFlush));
    TRY(transport_.setup_queue(virtio::kBlkQueueRequest, queue_));
    TRY(transport_.finish([](void* blk) { static_cast<VirtioBlk*>(blk)->complete(); }, this));
    sectors_ = transport_.config<u64>(offsetof(virtio::BlkConfig, capacity));
    return {};
  }

  u64 sectors() const override { return sectors_; }
  bool read_only() const override { return transport_.has_feature(virtio::kBlkFeatureReadOnly); }

  KResult<void> read(u64 sector, ByteSpan to) override {
    TRY(check_range(sector, to.size()));
    return transfer(virtio::BlkRequest::kIn, sector, to.data(), to.size());
  }
  KResult<void> write(u64 sector, ConstByteSpan from) override {
    TRY(check_range(sector, from.size()));
    if (read_only()) {
      return Err(Errno::kEROFS);
    }
    return transfer(virtio::BlkRequest::kOut, sector, from.data(), from.size());
  }
  KResult<void> flush() override {
    // Without the feature the device writes through (5.2.6.2).
    return transport_.has_feature(virtio::kBlkFeatureFlush)
               ? transfer(virtio::BlkRequest::kFlush, 0, nullptr, 0)
               : KResult<void>();
  }

 private:
  struct Request {
    virtio::BlkHeader header;
    virtio::BlkStatus status;
    bool done;
    WaitQueue waiter;
  };
  static constexpr usize kMaxBuffers = 3;

  KResult<void> check_range(u64 sector, usize bytes) const {
    const u64 count = bytes / kSectorBytes;
    if (bytes % kSectorBytes != 0 || bytes > ~u32{0} || sector > sectors_ || count > sectors_ - sector) {
      return Err(Errno::kEINVAL);
    }
    return {};
  }

  KResult<void> transfer(virtio::BlkRequest type, u64 sector, const u8* data, usize bytes) {
    if (is_injected_failure(FailTarget::kTransfers)) {
      return Err(Errno::kEIO);
    }
    // On the heap, not the stack: the device needs memory of the linear map.
    auto request = TRY(try_make<Request>());
    request->header = {type, 0, sector};
    request->status = virtio::BlkStatus::kIoError;
    request->done = false;
    VirtqueueBuffer buffers[kMaxBuffers];
    usize count = 0;
    buffers[count++] = {virt_to_phys(&request->header), sizeof(request->header), false};
    if (bytes != 0) {
      buffers[count++] = {virt_to_phys(data), static_cast<u32>(bytes), type == virtio::BlkRequest::kIn};
    }
    buffers[count++] = {virt_to_phys(&request->status), sizeof(request->status), true};
    wait_event(room_, [&] { return queue_.has_room(count); });
    TRY(queue_.add({buffers, count}, request.get()));
    transport_.notify(virtio::kBlkQueueRequest, queue_);
    complete();
    // The device holds the request until then: no signal may end the wait.
    wait_event(request->waiter, [&] { return request->done; });
    const auto status = *const_cast<volatile virtio::BlkStatus*>(&request->status);
    if (status != virtio::BlkStatus::kOk) {
      return Err(Errno::kEIO);
    }
    return {};
  }

  void complete() {
    while (const auto used = queue_.take_used()) {
      auto& request = *static_cast<Request*>(used->token);
      request.done = true;
      request.waiter.wake_all();
      room_.wake_all();
    }
  }

  VirtioTransport& transport_;
  Virtqueue queue_;
  u64 sectors_ = 0;
  WaitQueue room_;
};

constexpr usize kMaxBlockDevices = 8;
BlockDevice* g_devices[kMaxBlockDevices];
usize g_device_count = 0;

}  // namespace

BlockDevice* block_device(usize index) { return index < g_device_count ? g_devices[index] : nullptr; }

void register_block_device(BlockDevice& device) {
  if (g_device_count == kMaxBlockDevices) {
    log_warning("more than {} block devices: one is ignored", kMaxBlockDevices);
    return;
  }
  g_devices[g_device_count++] = &device;
}

KResult<void> probe_virtio_blk(UniquePtr<VirtioTransport>& transport) {
  auto blk = TRY(try_make<VirtioBlk>(*transport));
  TRY(blk->init());
  transport.release();
  log_info("virtio-blk: {} sectors{}", blk->sectors(), blk->read_only() ? ", read-only" : "");
  register_block_device(*blk.release());
  return {};
}

}  // namespace kernel
