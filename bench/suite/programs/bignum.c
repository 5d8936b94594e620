// Powers modulo the Mersenne prime 2^2203 - 1 by Montgomery's multiplication: 64-bit multiplications and
// carries.
#include "bench.h"

typedef unsigned __int128 u128;
enum { kBits = 2203, kLimbs = (kBits + 63) / 64 };

static u64 prime[kLimbs];

static int less(const u64* a, const u64* b) {
  for (int i = kLimbs - 1; i >= 0; i--) {
    if (a[i] != b[i]) return a[i] < b[i];
  }
  return 0;
}

static void subtract(u64* a, const u64* b) {
  u64 borrow = 0;
  for (int i = 0; i < kLimbs; i++) {
    const u128 difference = (u128)a[i] - b[i] - borrow;
    a[i] = (u64)difference;
    borrow = (u64)(difference >> 64) & 1;
  }
}

/// out = a * b / 2^(64 * kLimbs) modulo the prime, whose lowest limb is -1: so the limb to cancel is the
/// factor itself.
static void multiply(u64* out, const u64* a, const u64* b) {
  u64 sum[kLimbs + 2] = {0};
  for (int i = 0; i < kLimbs; i++) {
    u64 carry = 0;
    for (int k = 0; k < kLimbs; k++) {
      const u128 step = (u128)a[k] * b[i] + sum[k] + carry;
      sum[k] = (u64)step;
      carry = (u64)(step >> 64);
    }
    u128 top = (u128)sum[kLimbs] + carry;
    sum[kLimbs] = (u64)top;
    sum[kLimbs + 1] = (u64)(top >> 64);
    const u64 factor = sum[0];
    carry = 0;
    for (int k = 0; k < kLimbs; k++) {
      const u128 step = (u128)factor * prime[k] + sum[k] + carry;
      if (k > 0) sum[k - 1] = (u64)step;
      carry = (u64)(step >> 64);
    }
    top = (u128)sum[kLimbs] + carry;
    sum[kLimbs - 1] = (u64)top;
    sum[kLimbs] = sum[kLimbs + 1] + (u64)(top >> 64);
  }
  memcpy(out, sum, sizeof(u64) * kLimbs);
  if (sum[kLimbs] != 0 || !less(out, prime)) subtract(out, prime);
}

BENCH(bignum) {
  u64 one[kLimbs] = {0}, base[kLimbs] = {0}, power[kLimbs], sum = 0;
  memset(prime, 0xff, sizeof(prime));
  prime[kLimbs - 1] >>= 64 * kLimbs - kBits;
  one[0] = (u64)1 << (64 * kLimbs - kBits);  // 1 in Montgomery's form: 2^(64 * kLimbs) modulo the prime
  base[0] = 3;
  begin();
  for (u64 i = 0; i < rounds; i++) {
    base[1] = i;
    // The exponent prime - 1 is ones down to a zero: by Fermat the result is 1.
    memcpy(power, one, sizeof(power));
    for (int bit = kBits - 1; bit >= 0; bit--) {
      multiply(power, power, power);
      if (bit != 0) multiply(power, power, base);
      sum = mix(sum, power[bit % kLimbs]);
    }
    expect(memcmp(power, one, sizeof(one)) == 0, "Fermat's little theorem");
  }
  return sum;
}
