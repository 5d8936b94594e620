#include "emu/devices/virtio_rng.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "emu/devices/virtio_mmio.h"

namespace quire {

void VirtioRng::notified(u32 queue) {
  transport().serve(queue, [this](const Chain& chain) { return answer(chain); });
}

arch::Result<std::optional<u32>, QueueError> VirtioRng::answer(const Chain& chain) {
  BufferCursor out(transport().dma(), chain.writable);
  // 5.4.6.1: only device-writable buffers.
  if (!chain.readable.empty() || out.remaining() == 0) {
    return arch::Err(QueueError::kBadRequest);
  }
  std::array<u8, kMaxAnswerBytes> bytes;
  const u32 len_bytes = static_cast<u32>(std::min<u64>(out.remaining(), bytes.size()));
  for (u32 at = 0; at < len_bytes; at += 8) {
    const u64 word = generator_.next();
    std::memcpy(&bytes[at], &word, 8);
  }
  if (!out.write(std::span(bytes).first(len_bytes))) {
    return arch::Err(QueueError::kBadAddress);
  }
  transport().spend(len_bytes);
  return std::optional(len_bytes);
}

}  // namespace quire
