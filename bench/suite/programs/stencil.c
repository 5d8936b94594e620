// Heat that spreads over a field of 128 by 128 single-precision numbers.
#include "bench.h"

enum { kSize = 128 };
typedef float field[kSize][kSize];

static void spread(field out, const field in) {
  for (int row = 1; row < kSize - 1; row++) {
    for (int column = 1; column < kSize - 1; column++) {
      const float around =
          in[row - 1][column] + in[row + 1][column] + in[row][column - 1] + in[row][column + 1];
      out[row][column] = in[row][column] + 0.2f * (around - 4.0f * in[row][column]);
    }
  }
}

BENCH(stencil) {
  static field fields[2];
  for (int i = 0; i < kSize; i++) fields[0][i][0] = fields[1][i][0] = 100.0f + (float)i;
  begin();
  for (u64 round = 0; round < rounds; round++) spread(fields[(round + 1) % 2], fields[round % 2]);
  return mix_bytes(0, fields, sizeof(fields));
}
