// CRC-32 of 64 KiB a round: a byte at a time by a table, and each 16th round a bit at a time.
#include "bench.h"

enum { kBytes = 64 << 10 };
static const u32 kPolynomial = 0xedb88320;
static u32 table[256];

static u32 by_bits(u32 crc, const u8* data, size_t bytes) {
  crc = ~crc;
  for (size_t i = 0; i < bytes; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? kPolynomial : 0);
  }
  return ~crc;
}

static u32 by_table(u32 crc, const u8* data, size_t bytes) {
  crc = ~crc;
  for (size_t i = 0; i < bytes; i++) crc = crc >> 8 ^ table[(crc ^ data[i]) & 255];
  return ~crc;
}

BENCH(crc) {
  u8* const data = grab(kBytes);
  write_text((char*)data, kBytes);
  for (u32 value = 0; value < 256; value++) {
    u32 crc = value;
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? kPolynomial : 0);
    table[value] = crc;
  }
  expect(by_table(0, (const u8*)"123456789", 9) == 0xcbf43926, "CRC-32 of 123456789");
  begin();
  u32 crc = 0;
  for (u64 i = 0; i < rounds; i++)
    crc = i % 16 == 15 ? by_bits(crc, data, kBytes) : by_table(crc, data, kBytes);
  return crc;
}
