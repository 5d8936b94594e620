// The C library's memset(), and loops that fill and add up words, over 2 MB.
#include "bench.h"

enum { kBytes = 2 << 20 };

BENCH(fills) {
  u8* const data = grab(kBytes);
  u64 sum = 0;
  begin();
  for (u64 round = 0; round < rounds; round++) {
    memset(data, (int)round, kBytes);
    u32* const words = (u32*)data;
    for (size_t i = 0; i < kBytes / 8; i++) words[i] = (u32)(i + round);
    u32 total = 0;
    for (size_t i = 0; i < kBytes / 4; i++) total += words[i];
    sum = mix(sum, total);
  }
  return sum;
}
