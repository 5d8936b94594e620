// Mappings made, protected, touched in two places and given back, with 64 others that stay between them.
#include <sys/mman.h>

#include "bench.h"

enum { kPage = 4096, kPages = 16, kKept = 64, kPerRound = 64 };

static u8* map(void) {
  void* const at = mmap(NULL, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) die("mmap");
  return at;
}

BENCH(mappings) {
  u8* kept[kKept];
  u64 sum = 0;
  for (int i = 0; i < kKept; i++) {
    kept[i] = map();
    mprotect(kept[i] + kPage, kPage, PROT_NONE);  // so that neighbours do not become one
  }
  begin();
  for (u64 round = 0; round < rounds; round++) {
    for (int i = 0; i < kPerRound; i++) {
      u8* const at = map();
      at[0] = (u8)i;
      mprotect(at + kPage, kPage, PROT_READ);
      at[5 * kPage] = (u8)round;
      sum += at[0] + at[5 * kPage];
      munmap(at, kPages * kPage);
    }
    munmap(kept[round % kKept], kPages * kPage);
    kept[round % kKept] = map();
    mprotect(kept[round % kKept] + kPage, kPage, PROT_NONE);
  }
  return sum;
}
