// AES-128 (FIPS 197) by tables of 32-bit words, chained over 16 KiB a round. The tables come from the field's
// arithmetic.
#include "bench.h"

enum { kBytes = 16 << 10, kRounds = 10 };

static u8 box[256];
static u32 tables[4][256];

static u8 times(u8 a, u8 b) {
  u8 product = 0;
  for (; b != 0; b >>= 1, a = (u8)(a << 1 ^ (a & 0x80 ? 0x1b : 0))) product ^= b & 1 ? a : 0;
  return product;
}

static void make_tables(void) {
  for (int value = 0; value < 256; value++) {
    u8 inverse = 0;
    for (int other = 1; value != 0 && other < 256; other++) {
      if (times((u8)value, (u8)other) == 1) inverse = (u8)other;
    }
    u8 out = 0x63;
    for (int shift = 0; shift < 5; shift++) out ^= (u8)(inverse << shift | inverse >> (8 - shift));
    box[value] = out;
    const u32 column = (u32)times(out, 2) << 24 | (u32)out << 16 | (u32)out << 8 | times(out, 3);
    for (int row = 0; row < 4; row++)
      tables[row][value] = row == 0 ? column : column >> 8 * row | column << (32 - 8 * row);
  }
}

static u32 word_at(const u8* at) { return (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3]; }

static u32 substitute(u32 a, u32 b, u32 c, u32 d) {
  return (u32)box[a >> 24] << 24 | (u32)box[b >> 16 & 255] << 16 | (u32)box[c >> 8 & 255] << 8 | box[d & 255];
}

static void expand(u32 keys[4 * (kRounds + 1)], const u8 key[16]) {
  u8 constant = 1;
  for (int i = 0; i < 4; i++) keys[i] = word_at(key + 4 * i);
  for (int i = 4; i < 4 * (kRounds + 1); i++) {
    u32 word = keys[i - 1];
    if (i % 4 == 0) {
      word = word << 8 | word >> 24;
      word = substitute(word, word, word, word) ^ (u32)constant << 24;
      constant = times(constant, 2);
    }
    keys[i] = keys[i - 4] ^ word;
  }
}

static void encrypt(u32 state[4], const u32* keys) {
  u32 a[4], b[4];
  for (int i = 0; i < 4; i++) a[i] = state[i] ^ keys[i];
  for (int round = 1; round < kRounds; round++) {
    for (int i = 0; i < 4; i++) {
      b[i] = tables[0][a[i] >> 24] ^ tables[1][a[(i + 1) & 3] >> 16 & 255] ^
             tables[2][a[(i + 2) & 3] >> 8 & 255] ^ tables[3][a[(i + 3) & 3] & 255] ^ keys[4 * round + i];
    }
    memcpy(a, b, sizeof(a));
  }
  for (int i = 0; i < 4; i++) {
    state[i] = substitute(a[i], a[(i + 1) & 3], a[(i + 2) & 3], a[(i + 3) & 3]) ^ keys[4 * kRounds + i];
  }
}

BENCH(aes) {
  u8* const text = grab(kBytes);
  u32 keys[4 * (kRounds + 1)], chain[4];
  u8 key[16];
  make_tables();
  for (int i = 0; i < 16; i++) key[i] = (u8)i;
  for (int i = 0; i < 4; i++) chain[i] = 0x00112233 + (u32)i * 0x44444444;
  expand(keys, key);
  encrypt(chain, keys);
  expect(chain[0] == 0x69c4e0d8 && chain[3] == 0x70b4c55a, "the example of FIPS 197");
  write_text((char*)text, kBytes);
  begin();
  for (u64 i = 0; i < rounds; i++) {
    for (int at = 0; at < kBytes; at += 16) {
      for (int k = 0; k < 4; k++) chain[k] ^= word_at(text + at + 4 * k);
      encrypt(chain, keys);
    }
  }
  return mix_bytes(0, chain, sizeof(chain));
}
