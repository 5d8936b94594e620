#include "guest/lib/prng.h"

namespace kernel {

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
