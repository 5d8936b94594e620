#include "emu/devices/virtio_9p.h"

#include <algorithm>

#include "emu/devices/virtio_mmio.h"

namespace quire {

using arch::Err;

namespace {

/// What any message's system calls cost the host, in bytes that take as long to move (work_budget.h).
constexpr u64 kMessageCost = 16 << 10;

}  // namespace

Virtio9p::Virtio9p(const std::string& directory, std::string_view tag, share::ShareAccess access)
    : server_(directory, access) {
  config_.resize(sizeof(arch::virtio::Config9p) + tag.size());
  config_[0] = static_cast<u8>(tag.size());
  config_[1] = static_cast<u8>(tag.size() >> 8);
  std::copy(tag.begin(), tag.end(), config_.begin() + sizeof(arch::virtio::Config9p));
}

void Virtio9p::notified(u32 queue) {
  transport().serve(queue, [this](const Chain& chain) { return answer(chain); });
}

// More bytes than a message may have are not read: the size field then disagrees with what there is, and
// the server refuses it.
arch::Result<std::optional<u32>, QueueError> Virtio9p::answer(const Chain& chain) {
  BufferCursor in(transport().dma(), chain.readable);
  BufferCursor out(transport().dma(), chain.writable);
  const u64 limit = std::max(server_.message_bytes(), arch::ninep::kMinMessageBytes);
  request_.resize(std::min(in.remaining(), limit));
  if (!in.read(request_)) {
    return Err(QueueError::kBadAddress);
  }
  const std::span<const u8> reply = server_.answer(request_, out.remaining());
  if (!out.write(reply)) {
    return Err(QueueError::kBadAddress);
  }
  transport().spend(kMessageCost + request_.size() + reply.size() + server_.last_cost());
  return std::optional(static_cast<u32>(reply.size()));
}

}  // namespace quire
