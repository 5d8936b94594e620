// Fused multiplications and additions, conversions and comparisons: polynomials by Horner's rule, roots by
// Newton's.
#include <math.h>

#include "bench.h"

enum { kTerms = 12, kPoints = 256 };

BENCH(polynomial) {
  double terms[kTerms];
  u64 state = 37, sum = 0;
  for (int i = 0; i < kTerms; i++) terms[i] = (double)(next_random(&state) >> 44) / (1 << 19) - 1;
  begin();
  for (u64 round = 0; round < rounds; round++) {
    double least = 1e300;
    int64_t whole = 0;
    for (int point = 0; point < kPoints; point++) {
      const double x = (double)point / kPoints + (double)(round % 16);
      double value = terms[0];
      for (int i = 1; i < kTerms; i++) value = fma(value, x, terms[i]);
      double root = x + 1;
      for (int step = 0; step < 4; step++) root -= fma(root, root, -x) / (2 * root);
      least = value < least ? value : least;
      whole += (int64_t)(root * 1000);
    }
    sum = mix(mix_double(sum, least), (u64)whole);
  }
  return sum;
}
