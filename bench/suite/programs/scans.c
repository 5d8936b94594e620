// Scans of text: the C library's strlen(), memchr() and memcmp(), and loops over bytes that count and
// translate.
#include "bench.h"

enum { kBytes = 256 << 10 };

static u64 count_words(const char* text) {
  u64 count = 0;
  int inside = 0;
  for (; *text != 0; text++) {
    const int letter = *text > ' ';
    count += (u64)(letter & !inside);
    inside = letter;
  }
  return count;
}

BENCH(scans) {
  char *const text = grab(kBytes), *const copy = grab(kBytes);
  u64 sum = 0;
  write_text(text, kBytes);
  begin();
  for (u64 round = 0; round < rounds; round++) {
    text[round * 7919 % (kBytes - 1)] ^= 1;
    sum = mix(sum, strlen(text));
    u64 lines = 0;
    const char* const end = text + kBytes;
    for (const char* at = text; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) lines++;
    sum = mix(sum, lines);
    sum = mix(sum, count_words(text));
    for (size_t i = 0; i < kBytes; i++) copy[i] = (char)((u8)(text[i] - 'a') < 26 ? text[i] ^ 32 : text[i]);
    sum = mix(sum, (u64)(memcmp(copy, text, kBytes) < 0));
  }
  return mix_bytes(sum, copy, kBytes);
}
