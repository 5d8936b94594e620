// virtio entropy device (virtio 1.2, 5.4).
#include <algorithm>

#include "guest/drivers/virtio.h"
#include "guest/mem/frame.h"
#include "guest/sched/mutex.h"

namespace kernel {

namespace {

class VirtioRng {
 public:
  explicit VirtioRng(VirtioTransport& transport) : transport_(transport) {}

  KResult<void> init() {
    buffer_ = TRY(alloc_frame(ZeroIt::kNo, FrameUse::kKernel));
    TRY(transport_.begin(0));
    TRY(transport_.setup_queue(virtio::kRngQueueRequest, queue_));
    return transport_.finish([](void* rng) { static_cast<VirtioRng*>(rng)->done_.wake_all(); }, this);
  }

  KResult<void> read(ByteSpan to) {
    const MutexGuard guard(mutex_);
    while (!to.empty()) {
      const usize wanted = std::min<usize>(to.size(), kPageBytes);
      const VirtqueueBuffer buffer{frame_address(buffer_), static_cast<u32>(wanted), true};
      TRY(queue_.add({&buffer, 1}, this));
      transport_.notify(virtio::kRngQueueRequest, queue_);
      std::optional<Virtqueue::Used> used;
      wait_event(done_, [&] { return (used = queue_.take_used()).has_value(); });
      const usize got = std::min<usize>(used->length_bytes, wanted);
      if (got == 0) {
        return Err(Errno::kEIO);
      }
      std::copy_n(frame_data(buffer_), got, to.data());
      to = to.subspan(got);
    }
    return {};
  }

 private:
  VirtioTransport& transport_;
  Virtqueue queue_;
  Frame* buffer_ = nullptr;
  Mutex mutex_;
  WaitQueue done_;
};

VirtioRng* g_rng = nullptr;

}  // namespace

KResult<void> probe_virtio_rng(UniquePtr<VirtioTransport>& transport) {
  if (g_rng != nullptr) {
    return {};
  }
  auto rng = TRY(try_make<VirtioRng>(*transport));
  TRY(rng->init());
  transport.release();
  g_rng = rng.release();
  return {};
}

KResult<void> read_virtio_rng(ByteSpan to) {
  if (g_rng == nullptr) {
    return Err(Errno::kENODEV);
  }
  return g_rng->read(to);
}

}  // namespace kernel
