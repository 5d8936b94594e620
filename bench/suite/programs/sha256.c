// SHA-256 (FIPS 180-4) of 64 KiB a round. The constants are computed as the standard defines them.
#include "bench.h"

typedef unsigned __int128 u128;
enum { kBytes = 64 << 10, kRounds = 64 };

static u32 constants[kRounds], start[8];

/// The first 32 bits behind the point of the `degree`-th root of a prime below 2^9.
static u32 root_fraction(u32 prime, int degree) {
  u64 low = 0, high = (u64)1 << 37;
  while (high - low > 1) {
    const u128 middle = (low + high) / 2;
    const u128 power = degree == 2 ? middle * middle : middle * middle * middle;
    if (power <= (u128)prime << (32 * degree)) {
      low = (u64)middle;
    } else {
      high = (u64)middle;
    }
  }
  return (u32)low;
}

static void compute_constants(void) {
  int count = 0;
  for (u32 n = 2; count < kRounds; n++) {
    int prime = 1;
    for (u32 divisor = 2; divisor * divisor <= n; divisor++) prime &= n % divisor != 0;
    if (!prime) continue;
    if (count < 8) start[count] = root_fraction(n, 2);
    constants[count++] = root_fraction(n, 3);
  }
}

static u32 turn(u32 value, int bits) { return value >> bits | value << (32 - bits); }

static void compress_block(u32 state[8], const u8* block) {
  u32 schedule[kRounds], s[8];
  for (int i = 0; i < 16; i++) {
    u32 word;
    memcpy(&word, block + 4 * i, 4);
    schedule[i] = __builtin_bswap32(word);
  }
  for (int i = 16; i < kRounds; i++) {
    const u32 early = schedule[i - 15], late = schedule[i - 2];
    schedule[i] = schedule[i - 16] + schedule[i - 7] + (turn(early, 7) ^ turn(early, 18) ^ early >> 3) +
                  (turn(late, 17) ^ turn(late, 19) ^ late >> 10);
  }
  memcpy(s, state, sizeof(s));
  for (int i = 0; i < kRounds; i++) {
    const u32 choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
    const u32 majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    const u32 first =
        s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + choice + constants[i] + schedule[i];
    const u32 second = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + majority;
    for (int k = 7; k > 0; k--) s[k] = s[k - 1];
    s[4] += first;
    s[0] = first + second;
  }
  for (int i = 0; i < 8; i++) state[i] += s[i];
}

/// `room` holds 64 bytes more than `bytes`.
static void digest(u32 state[8], u8* data, size_t bytes) {
  const size_t padded = (bytes + 9 + 63) / 64 * 64;
  const u64 bits = __builtin_bswap64(bytes * 8);
  memset(data + bytes, 0, padded - bytes);
  data[bytes] = 0x80;
  memcpy(data + padded - 8, &bits, 8);
  memcpy(state, start, sizeof(start));
  for (size_t at = 0; at < padded; at += 64) compress_block(state, data + at);
}

BENCH(sha256) {
  u8* const data = grab(kBytes + 128);
  u32 state[8];
  compute_constants();
  memcpy(data, "abc", 3);
  digest(state, data, 3);
  expect(state[0] == 0xba7816bf && state[7] == 0xf20015ad, "SHA-256 of abc");
  write_text((char*)data, kBytes);
  begin();
  for (u64 i = 0; i < rounds; i++) {
    digest(state, data, kBytes);
    memcpy(data, state, sizeof(state));
  }
  return mix_bytes(0, state, sizeof(state));
}
