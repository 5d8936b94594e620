// What the hostile programs throw dice with: a seed gives the same run again (xorshift64*; Vigna, 2016).
#pragma once

#include <stdint.h>

static uint64_t random_state;

static uint64_t next(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state * 0x2545f4914f6cdd1d;
}
static uint64_t below(uint64_t bound) { return (next() >> 33) % bound; }
static int one_in(uint64_t n) { return below(n) == 0; }
