// A hash table with open addressing in 32 MB: insertions, look-ups that find, and look-ups that do not.
#include "bench.h"

enum { kSlots = (32 << 20) / 16, kKeys = 1000 };

struct slot {
  u64 key, value;  // key 0: free
};

static struct slot* slots;

static struct slot* find(u64 key) {
  u64 at = key * 0x9e3779b97f4a7c15 >> 43;
  while (slots[at].key != 0 && slots[at].key != key) at = (at + 1) % kSlots;
  return &slots[at];
}

BENCH(hashing) {
  u64 sum = 0, keys = 0;
  slots = grab(kSlots * sizeof(struct slot));
  memset(slots, 0, kSlots * sizeof(struct slot));
  begin();
  for (u64 round = 0; round < rounds; round++) {
    if (keys > kSlots / 2) {
      memset(slots, 0, kSlots * sizeof(struct slot));
      keys = 0;
    }
    for (u64 i = 1; i <= kKeys; i++) {
      struct slot* const slot = find(keys + i);
      slot->key = keys + i;
      slot->value = round;
    }
    keys += kKeys;
    for (u64 i = 1; i <= kKeys; i++) {
      sum += find(1 + (i * 2654435761u + round) % keys)->value;
      sum += find((u64)1 << 40 | (i + round) << 8)->value;
    }
  }
  return sum;
}
