// The largest singular value of a matrix whose entries are computed where they are used: a division for each.
#include "bench.h"

enum { kSize = 200 };

static double entry(int row, int column) {
  return 1.0 / (double)((row + column) * (row + column + 1) / 2 + row + 1);
}

static void apply(const double* in, double* out) {
  for (int row = 0; row < kSize; row++) {
    out[row] = 0;
    for (int column = 0; column < kSize; column++) out[row] += entry(row, column) * in[column];
  }
}

static void apply_transposed(const double* in, double* out) {
  for (int row = 0; row < kSize; row++) {
    out[row] = 0;
    for (int column = 0; column < kSize; column++) out[row] += entry(column, row) * in[column];
  }
}

BENCH(spectral) {
  double u[kSize], v[kSize], between[kSize], product = 0, square = 0;
  for (int i = 0; i < kSize; i++) u[i] = v[i] = 1;
  begin();
  for (u64 round = 0; round < rounds; round++) {
    apply(u, between);
    apply_transposed(between, v);
    apply(v, between);
    apply_transposed(between, u);
    const double scale = 1 / u[0];
    for (int i = 0; i < kSize; i++) v[i] *= scale, u[i] *= scale;
  }
  for (int i = 0; i < kSize; i++) product += u[i] * v[i], square += v[i] * v[i];
  if (rounds >= 10)
    expect(product / square > 1.6236 && product / square < 1.6237, "the eigenvalue 1.27422^2");
  return mix_double(mix_double(0, product), square);
}
