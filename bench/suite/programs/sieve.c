// Eratosthenes' sieve over the odd numbers below 4 million, a bit each.
#include "bench.h"

enum { kLimit = 4000000, kPrimes = 283146 };

BENCH(sieve) {
  u64* const composite = grab(kLimit / 16 + 8);
  u64 sum = 0;
  begin();
  for (u64 i = 0; i < rounds; i++) {
    memset(composite, 0, kLimit / 16 + 8);
    for (u32 n = 3; n * n < kLimit; n += 2) {
      if (composite[n / 128] >> (n / 2 % 64) & 1) continue;
      for (u32 multiple = n * n; multiple < kLimit; multiple += 2 * n) {
        composite[multiple / 128] |= (u64)1 << (multiple / 2 % 64);
      }
    }
    u32 count = 1;
    for (u32 n = 3; n < kLimit; n += 2) count += !(composite[n / 128] >> (n / 2 % 64) & 1);
    expect(count == kPrimes, "primes below 4 million");
    sum = mix(sum, count);
  }
  return sum;
}
