// Fourier transforms of 4,096 complex numbers, there and back. The roots of unity are halved angles by square
// roots.
#include "bench.h"

enum { kLog = 12, kSize = 1 << kLog };
struct complex {
  double re, im;
};

static struct complex roots[kSize / 2];

/// e^(i*t) for the angles of half a turn: by powers of the 2^n-th roots, which are got by halving.
static void make_roots(void) {
  struct complex halves[kLog];
  halves[0] = (struct complex){-1, 0};
  for (int i = 1; i < kLog; i++) {
    const double cosine = halves[i - 1].re;
    halves[i] = i == 1 ? (struct complex){0, 1}
                       : (struct complex){__builtin_sqrt((1 + cosine) / 2), __builtin_sqrt((1 - cosine) / 2)};
  }
  for (int k = 0; k < kSize / 2; k++) {
    struct complex root = {1, 0};
    for (int bit = 0; bit < kLog - 1; bit++) {
      if (!(k >> bit & 1)) continue;
      const struct complex by = halves[kLog - 1 - bit];
      root = (struct complex){root.re * by.re - root.im * by.im, root.re * by.im + root.im * by.re};
    }
    roots[k] = root;
  }
}

static void reorder(struct complex* data) {
  for (u32 i = 0, mirror = 0; i < kSize; i++) {
    if (i < mirror) {
      const struct complex kept = data[i];
      data[i] = data[mirror];
      data[mirror] = kept;
    }
    u32 bit = kSize / 2;
    for (; mirror & bit; bit /= 2) mirror ^= bit;
    mirror |= bit;
  }
}

/// `sign` 1: there; -1: back, but for the factor kSize.
static void transform(struct complex* data, double sign) {
  reorder(data);
  for (int half = 1; half < kSize; half *= 2) {
    for (int start = 0; start < kSize; start += 2 * half) {
      for (int k = 0; k < half; k++) {
        const struct complex root = roots[k * (kSize / 2 / half)];
        struct complex *const low = data + start + k, *const high = low + half;
        const double im = sign * root.im;
        const struct complex turned = {high->re * root.re - high->im * im,
                                       high->re * im + high->im * root.re};
        *high = (struct complex){low->re - turned.re, low->im - turned.im};
        *low = (struct complex){low->re + turned.re, low->im + turned.im};
      }
    }
  }
}

BENCH(fft) {
  struct complex* const data = grab(kSize * sizeof(struct complex));
  u64 state = 29, sum = 0;
  make_roots();
  for (int i = 0; i < kSize; i++) data[i] = (struct complex){(double)(next_random(&state) >> 44), 0};
  const double first = data[0].re;
  begin();
  for (u64 round = 0; round < rounds; round++) {
    transform(data, 1);
    sum = mix_double(sum, data[round % kSize].im);
    transform(data, -1);
    for (int i = 0; i < kSize; i++) data[i].re /= kSize, data[i].im /= kSize;
  }
  expect(data[0].re - first < 0.01 && first - data[0].re < 0.01, "the numbers there and back");
  return mix_double(sum, data[1].re);
}
