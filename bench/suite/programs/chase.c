// A chain of pointers through 32 MB in a random order: one load after the other, each to another page.
#include "bench.h"

enum { kLinks = (32 << 20) / 64 };

struct link {
  struct link* next;
  u64 value;
  u64 rest[6];
};

BENCH(chase) {
  struct link* const links = grab(kLinks * sizeof(struct link));
  u32* const order = grab(kLinks * sizeof(u32));
  u64 state = 41, sum = 0;
  for (u32 i = 0; i < kLinks; i++) order[i] = i;
  for (u32 i = kLinks - 1; i > 0; i--) {
    const u32 other = (u32)(next_random(&state) % i), kept = order[i];
    order[i] = order[other];
    order[other] = kept;
  }
  for (u32 i = 0; i < kLinks; i++) {
    links[order[i]].next = &links[order[(i + 1) % kLinks]];
    links[order[i]].value = i;
  }
  const struct link* at = links;
  begin();
  for (u64 i = 0; i < rounds * 1000; i++) {
    sum = sum * 3 + at->value;
    at = at->next;
  }
  return sum;
}
