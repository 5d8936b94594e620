// virtio 9P transport (virtio 1.2, 5.11): several exchanges in flight, each with a sleeping thread.
#include <algorithm>

#include "guest/drivers/ninep_channel.h"
#include "guest/drivers/virtio.h"
#include "guest/hal/layout.h"
#include "guest/lib/log.h"
#include "guest/lib/panic.h"
#include "guest/lib/string.h"
#include "guest/mem/injection.h"

namespace kernel {

namespace {

class Virtio9p final : public NinepChannel {
 public:
  explicit Virtio9p(VirtioTransport& transport) : transport_(transport) {}

  KResult<void> init() {
    TRY(transport_.begin(virtio::k9pFeatureMountTag));
    TRY(transport_.setup_queue(virtio::k9pQueueRequest, queue_));
    if (queue_.size() <= kOtherParts) {
      return Err(Errno::kENODEV);
    }
    TRY(transport_.finish([](void* self) { static_cast<Virtio9p*>(self)->complete(); }, this));
    const u16 bytes = transport_.config<u16>(offsetof(virtio::Config9p, tag_len));
    for (u16 i = 0; i < std::min(bytes, kMaxTagBytes); i++) {
      TRY(tag_.append(static_cast<char>(transport_.config<u8>(sizeof(virtio::Config9p) + i))));
    }
    return {};
  }

  StringView tag() const override { return tag_; }

  usize max_pieces() const override { return std::min<usize>(kMaxPieces, queue_.size() - kOtherParts); }

  KResult<usize> exchange(ConstByteSpan request, ConstByteSpan out, ByteSpan reply,
                          Span<const ByteSpan> in) override {
    ASSERT(in.size() <= max_pieces());
    if (is_injected_failure(FailTarget::kTransfers)) {
      return Err(Errno::kEIO);
    }
    // Needs no memory: a fid must be given back also when there is none.
    Pending pending;
    VirtqueueBuffer buffers[kOtherParts + kMaxPieces];
    usize count = 0;
    usize reply_bytes = reply.size();
    const auto add = [&](const u8* data, usize bytes, bool device_writes) {
      if (bytes != 0) {
        buffers[count++] = {virt_to_phys(data), static_cast<u32>(bytes), device_writes};
      }
    };
    add(request.data(), request.size(), false);
    add(out.data(), out.size(), false);
    add(reply.data(), reply.size(), true);
    for (const ByteSpan piece : in) {
      add(piece.data(), piece.size(), true);
      reply_bytes += piece.size();
    }
    wait_event(room_, [&] { return queue_.has_room(count); });
    TRY(queue_.add({buffers, count}, &pending));
    transport_.notify(virtio::k9pQueueRequest, queue_);
    complete();
    // The device holds the buffers until then: no signal may end the wait.
    wait_event(pending.waiter, [&] { return pending.done; });
    return std::min<usize>(pending.bytes, reply_bytes);
  }

 private:
  struct Pending {
    bool done = false;
    u32 bytes = 0;
    WaitQueue waiter{};
  };
  static constexpr u16 kMaxTagBytes = 255;
  static constexpr usize kOtherParts = 3;  // of a chain: request, out, reply
  static constexpr usize kMaxPieces = 16;

  void complete() {
    while (const auto used = queue_.take_used()) {
      auto& pending = *static_cast<Pending*>(used->token);
      pending.bytes = used->length_bytes;
      pending.done = true;
      pending.waiter.wake_all();
      room_.wake_all();
    }
  }

  VirtioTransport& transport_;
  Virtqueue queue_;
  String tag_;
  WaitQueue room_;
};

Vector<Virtio9p*>& channels() {
  static Vector<Virtio9p*> all;
  return all;
}

}  // namespace

NinepChannel* find_ninep_channel(StringView tag) {
  for (Virtio9p* channel : channels()) {
    if (channel->tag() == tag) {
      return channel;
    }
  }
  return nullptr;
}

KResult<void> probe_virtio_9p(UniquePtr<VirtioTransport>& transport) {
  auto channel = TRY(try_make<Virtio9p>(*transport));
  TRY(channel->init());
  TRY(channels().push(channel.get()));
  transport.release();
  log_info("virtio-9p: share '{}'", channel->tag());
  channel.release();
  return {};
}

}  // namespace kernel
