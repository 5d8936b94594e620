// a = b + s * c over three arrays of 4 MB: two streams read, one written.
#include "bench.h"

enum { kNumbers = (4 << 20) / sizeof(double) };

BENCH(triad) {
  double *a = grab(kNumbers * sizeof(double)), *b = grab(kNumbers * sizeof(double));
  double* const c = grab(kNumbers * sizeof(double));
  for (size_t i = 0; i < kNumbers; i++) a[i] = 0, b[i] = (double)(i % 1000), c[i] = 1.5 + (double)(i % 7);
  begin();
  for (u64 round = 0; round < rounds; round++) {
    const double scale = 0.5 + (double)(round % 3);
    for (size_t i = 0; i < kNumbers; i++) a[i] = b[i] + scale * c[i];
    double* const kept = a;
    a = b;
    b = kept;
  }
  return mix_bytes(0, b, kNumbers * sizeof(double));
}
