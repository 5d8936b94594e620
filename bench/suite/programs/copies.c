// The C library's memcpy() and memmove(): blocks of 1 MB, of a page, and of a few bytes.
#include "bench.h"

enum { kBytes = 1 << 20, kPage = 4096 };

BENCH(copies) {
  u8 *const from = grab(kBytes + 64), *const to = grab(kBytes + 64);
  u64 sum = 0;
  write_text((char*)from, kBytes);
  begin();
  for (u64 round = 0; round < rounds; round++) {
    memcpy(to, from, kBytes);
    for (size_t at = 0; at < kBytes; at += kPage)
      memcpy(from + at, to + (at + round * kPage) % kBytes, kPage);
    for (size_t at = 0; at + 64 < kBytes / 4; at += 48) memcpy(to + at, from + at + 8, 24 + at % 24);
    memmove(to + 16, to, kBytes);
    sum = mix(sum, to[round * 4099 % kBytes]);
  }
  return mix_bytes(sum, to, kBytes);
}
