// The C library's qsort() with comparisons by a callback: numbers, and strings by their bytes.
#include <stdlib.h>

#include "bench.h"

enum { kNumbers = 20000, kStrings = 5000, kLength = 16 };

static int by_value(const void* a, const void* b) {
  const u32 x = *(const u32*)a, y = *(const u32*)b;
  return (x > y) - (x < y);
}

static int by_bytes(const void* a, const void* b) {
  const unsigned char *x = a, *y = b;
  while (*x != 0 && *x == *y) x++, y++;
  return *x - *y;
}

BENCH(sorting) {
  u32* const numbers = grab(kNumbers * sizeof(u32));
  char(*const strings)[kLength] = grab(kStrings * kLength);
  u64 state = 5, sum = 0;
  begin();
  for (u64 i = 0; i < rounds; i++) {
    for (int k = 0; k < kNumbers; k++) numbers[k] = (u32)next_random(&state);
    for (int k = 0; k < kStrings; k++) {
      for (int at = 0; at < kLength; at++) strings[k][at] = (char)("ab"[next_random(&state) >> 63]);
      strings[k][kLength - 1] = 0;
    }
    qsort(numbers, kNumbers, sizeof(u32), by_value);
    qsort(strings, kStrings, kLength, by_bytes);
    for (int k = 1; k < kNumbers; k++) expect(numbers[k - 1] <= numbers[k], "numbers in order");
    sum = mix_bytes(sum, numbers, 4096);
    sum = mix_bytes(sum, strings, 4096);
  }
  return sum;
}
