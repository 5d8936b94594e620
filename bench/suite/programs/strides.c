// A bitmap of 4 MB walked by strides of a page: as a sieve marks the multiples of a number above 32,768.
#include "bench.h"

enum { kBytes = 4 << 20, kPage = 4096 };

BENCH(strides) {
  u64* const bitmap = grab(kBytes);
  memset(bitmap, 0, kBytes);
  u64 sum = 0;
  begin();
  for (u64 round = 0; round < rounds; round++) {
    const u64 first = round * 2654435761u % (kPage * 8), stride = kPage * 8 + 2 * (round % 31) + 1;
    for (u64 bit = first; bit < (u64)kBytes * 8; bit += stride) bitmap[bit / 64] ^= (u64)1 << bit % 64;
  }
  for (u64 i = 0; i < kBytes / 8; i++) sum += (u64)__builtin_popcountll(bitmap[i]) * (i + 1);
  return sum;
}
