// Products of matrices of 32-bit integers, 96 by 96.
#include "bench.h"

enum { kSize = 96 };
typedef u32 matrix[kSize][kSize];

static void multiply(matrix out, const matrix a, const matrix b) {
  for (int row = 0; row < kSize; row++) {
    for (int column = 0; column < kSize; column++) {
      u32 sum = 0;
      for (int k = 0; k < kSize; k++) sum += a[row][k] * b[k][column];
      out[row][column] = sum;
    }
  }
}

BENCH(matrix) {
  static matrix a, b, product;
  u64 state = 7;
  for (int row = 0; row < kSize; row++) {
    for (int column = 0; column < kSize; column++) {
      a[row][column] = (u32)next_random(&state);
      b[row][column] = (u32)next_random(&state);
    }
  }
  begin();
  for (u64 i = 0; i < rounds; i++) {
    multiply(product, a, b);
    memcpy(i % 2 == 0 ? a : b, product, sizeof(product));
  }
  return mix_bytes(0, product, sizeof(product));
}
