// Memory-heavy code: pointer chasing over 16 MiB in a random order, copying and summing streams,
// and updates at random places.
#include <stddef.h>
#include <stdint.h>

enum { kWords = 1 << 21 };  // 16 MiB of 64-bit words

static uint64_t chain[kWords];
static uint64_t stream[kWords];

void* memcpy(void* to, const void* from, size_t n) {
  uint64_t* out = to;
  const uint64_t* in = from;
  for (size_t i = 0; i < n / 8; i++) out[i] = in[i];
  return to;
}

volatile uint64_t result;  // keeps the work alive

int main(void) {
  // One cycle through all words: a full-period linear congruential generator.
  uint64_t place = 1;
  for (size_t i = 0; i < kWords; i++) {
    const uint64_t next = (place * 1664525 + 1013904223) & (kWords - 1);
    chain[place] = next;
    place = next;
  }
  uint64_t sum = 0;
  for (int round = 0; round < ROUNDS; round++) {
    for (size_t i = 0; i < kWords / 4; i++) place = chain[place];
    memcpy(stream, chain, sizeof stream);
    for (size_t i = 0; i < kWords; i += 4) sum += stream[i] + stream[i + 1] + stream[i + 2] + stream[i + 3];
    uint64_t where = sum | 1;
    for (size_t i = 0; i < kWords / 8; i++) {
      where = where * 6364136223846793005ULL + 1442695040888963407ULL;
      stream[where >> 43] += where;
    }
  }
  result = sum + place;
  return 0;
}
