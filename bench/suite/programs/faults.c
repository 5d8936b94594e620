// First touches of anonymous memory, 1,024 pages a round: a fault each.
#include <sys/mman.h>

#include "bench.h"

enum { kPage = 4096, kPages = 1024 };

static u64 touch(u64 round) {
  u8* const at = mmap(NULL, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  u64 sum = 0;
  if (at == MAP_FAILED) die("mmap");
  madvise(at, kPages * kPage, MADV_NOHUGEPAGE);
  for (u64 page = 0; page < kPages; page++) {
    sum += at[page * kPage + 8];  // 0, as every new page
    at[page * kPage] = (u8)(page + round);
  }
  for (u64 page = 0; page < kPages; page++) sum += at[page * kPage];
  munmap(at, kPages * kPage);
  return sum;
}

BENCH(faults) {
  u64 sum = 0;
  touch(0);  // so that the machine has these frames
  begin();
  for (u64 round = 0; round < rounds; round++) sum = mix(sum, touch(round));
  return sum;
}
