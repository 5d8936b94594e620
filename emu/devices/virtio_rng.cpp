#include "emu/devices/virtio_rng.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "emu/devices/virtio_mmio.h"

namespace quire {

VirtioRng::VirtioRng(u64 seed) : seed_(seed) { power_on(); }

// The state of xoshiro256** (Blackman and Vigna 2018), filled by SplitMix64 as its authors advise, so
// that no seed gives the all-zero state.
void VirtioRng::power_on() {
  u64 counter = seed_;
  for (u64& word : state_) {
    counter += 0x9e37'79b9'7f4a'7c15;
    u64 mixed = counter;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58'476d'1ce4'e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d0'49bb'1331'11eb;
    word = mixed ^ (mixed >> 31);
  }
}

u64 VirtioRng::next() {
  const u64 result = std::rotl(state_[1] * 5, 7) * 9;
  const u64 shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

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
    const u64 word = next();
    std::memcpy(&bytes[at], &word, 8);
  }
  if (!out.write(std::span(bytes).first(len_bytes))) {
    return arch::Err(QueueError::kBadAddress);
  }
  transport().spend(len_bytes);
  return std::optional(len_bytes);
}

}  // namespace quire
