// Points of Mandelbrot's set, 128 by 128 a round, each up to 100 steps: doubles in registers, and a
// comparison.
#include "bench.h"

enum { kSize = 128, kSteps = 100 };

static u32 steps(double x, double y) {
  double a = 0, b = 0;
  u32 count = 0;
  while (count < kSteps) {
    const double squares = a * a, others = b * b;
    if (squares + others > 4.0) break;
    b = 2.0 * a * b + y;
    a = squares - others + x;
    count++;
  }
  return count;
}

BENCH(mandelbrot) {
  u64 sum = 0;
  begin();
  for (u64 round = 0; round < rounds; round++) {
    const double shift = (double)(round % 7) / 64;
    for (int row = 0; row < kSize; row++) {
      u32 line = 0;
      for (int column = 0; column < kSize; column++) {
        line += steps(shift - 2.0 + 2.5 * column / kSize, 2.5 * row / kSize - 1.25);
      }
      sum = mix(sum, line);
    }
  }
  return sum;
}
