#include "guest/lib/prng.h"

#include <bit>

namespace kernel {

Prng::Prng(u64 seed) {
  for (u64& word : state_) {
    seed += 0x9e37'79b9'7f4a'7c15;
    u64 mixed = (seed ^ (seed >> 30)) * 0xbf58'476d'1ce4'e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d0'49bb'1331'11eb;
    word = mixed ^ (mixed >> 31);
  }
}

u64 Prng::next() {
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

u64 Prng::below(u64 bound) {
  // Values under 2^64 mod bound would favour the small remainders: draw again.
  const u64 first_fair = (u64{0} - bound) % bound;
  for (;;) {
    const u64 value = next();
    if (value >= first_fair) {
      return value % bound;
    }
  }
}

void Prng::fill(ByteSpan bytes) {
  for (usize i = 0; i < bytes.size(); i += 8) {
    u64 value = next();
    for (usize j = i; j < bytes.size() && j < i + 8; j++, value >>= 8) {
      bytes[j] = static_cast<u8>(value);
    }
  }
}

}  // namespace kernel
