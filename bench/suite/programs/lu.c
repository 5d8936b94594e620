// A system of 96 linear equations solved by Gauss's elimination with pivots.
#include "bench.h"

enum { kSize = 96 };

static double size_of(double value) { return value < 0 ? -value : value; }

static void eliminate(double a[kSize][kSize + 1]) {
  for (int step = 0; step < kSize; step++) {
    int pivot = step;
    for (int row = step + 1; row < kSize; row++) {
      if (size_of(a[row][step]) > size_of(a[pivot][step])) pivot = row;
    }
    for (int column = step; column <= kSize; column++) {
      const double kept = a[step][column];
      a[step][column] = a[pivot][column];
      a[pivot][column] = kept;
    }
    for (int row = step + 1; row < kSize; row++) {
      const double factor = a[row][step] / a[step][step];
      for (int column = step; column <= kSize; column++) a[row][column] -= factor * a[step][column];
    }
  }
}

static void substitute(double a[kSize][kSize + 1], double x[kSize]) {
  for (int row = kSize - 1; row >= 0; row--) {
    double rest = a[row][kSize];
    for (int column = row + 1; column < kSize; column++) rest -= a[row][column] * x[column];
    x[row] = rest / a[row][row];
  }
}

BENCH(lu) {
  static double a[kSize][kSize + 1], x[kSize];
  u64 state = 31, sum = 0;
  begin();
  for (u64 round = 0; round < rounds; round++) {
    for (int row = 0; row < kSize; row++) {
      double total = 0;
      for (int column = 0; column < kSize; column++) {
        a[row][column] = (double)(next_random(&state) >> 44) / (1 << 20) + (row == column ? 4 : 0);
        total += a[row][column];
      }
      a[row][kSize] = total;  // so every unknown is 1
    }
    eliminate(a);
    substitute(a, x);
    for (int i = 0; i < kSize; i++) expect(size_of(x[i] - 1) < 1e-6, "a solution that is known");
    sum = mix_bytes(sum, x, sizeof(x));
  }
  return sum;
}
