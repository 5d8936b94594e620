// A matrix of 2,048 by 2,048 32-bit numbers (16 MB) turned over in place, column by column: a page a step.
#include "bench.h"

enum { kSize = 2048 };

BENCH(transpose) {
  u32(*const matrix)[kSize] = grab(sizeof(u32) * kSize * kSize);
  u64 sum = 0;
  for (u32 row = 0; row < kSize; row++) {
    for (u32 column = 0; column < kSize; column++) matrix[row][column] = row * 3 + column * 5;
  }
  begin();
  for (u64 round = 0; round < rounds; round++) {
    for (u32 column = 0; column < kSize; column++) {
      for (u32 row = column + 1; row < kSize; row++) {
        const u32 kept = matrix[row][column];
        matrix[row][column] = matrix[column][row] + (u32)round;
        matrix[column][row] = kept;
      }
    }
    sum = mix(sum, matrix[round % kSize][7]);
  }
  return mix_bytes(sum, matrix, sizeof(u32) * kSize * 16);
}
