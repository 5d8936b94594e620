// Divisions and remainders: greatest common divisors, digit sums, and inverses modulo a prime.
#include "bench.h"

enum { kPerRound = 1000 };
static const u64 kPrime = 2305843009213693951;  // 2^61 - 1

static u64 common_divisor(u64 a, u64 b) {
  while (b != 0) {
    const u64 rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

static u64 inverse(u64 value) {
  int64_t old = 0, now = 1;
  u64 a = kPrime, b = value;
  while (b != 1) {
    const u64 quotient = a / b, rest = a % b;
    const int64_t next = old - (int64_t)quotient * now;
    old = now;
    now = next;
    a = b;
    b = rest;
  }
  return now < 0 ? (u64)now + kPrime : (u64)now;
}

static u64 digits(u64 value, u64 base) {
  u64 sum = 0;
  for (; value != 0; value /= base) sum += value % base;
  return sum;
}

BENCH(divide) {
  u64 state = 11, sum = 0;
  begin();
  for (u64 i = 0; i < rounds * kPerRound; i++) {
    const u64 a = next_random(&state) >> 8, b = next_random(&state) >> 20;
    const u64 value = a % (kPrime - 1) + 1, back = inverse(value);
    expect((u64)((unsigned __int128)value * back % kPrime) == 1, "a number by its inverse");
    sum = mix(sum, common_divisor(a, b) + back + digits(a, 7 + i % 5));
  }
  return sum;
}
