// Eight bodies that attract each other: differences, a square root and a division for each pair.
#include "bench.h"

enum { kBodies = 8 };
static double root(double value) { return __builtin_sqrt(value); }

struct body {
  double at[3], speed[3], mass;
};

static void pull(struct body* a, struct body* b, double time) {
  double apart[3], squares = 0.01;
  for (int i = 0; i < 3; i++) {
    apart[i] = b->at[i] - a->at[i];
    squares += apart[i] * apart[i];
  }
  const double strength = time / (squares * root(squares));
  for (int i = 0; i < 3; i++) {
    a->speed[i] += apart[i] * (b->mass * strength);
    b->speed[i] -= apart[i] * (a->mass * strength);
  }
}

BENCH(nbody) {
  struct body bodies[kBodies];
  u64 state = 23, sum = 0;
  for (int i = 0; i < kBodies; i++) {
    for (int k = 0; k < 3; k++) {
      bodies[i].at[k] = (double)(next_random(&state) >> 40) / (1 << 20);
      bodies[i].speed[k] = (double)(next_random(&state) >> 40) / (1 << 26);
    }
    bodies[i].mass = 1.0 + (double)(i % 3);
  }
  begin();
  for (u64 round = 0; round < rounds; round++) {
    for (int i = 0; i < kBodies; i++) {
      for (int k = i + 1; k < kBodies; k++) pull(&bodies[i], &bodies[k], 0.001);
    }
    for (int i = 0; i < kBodies; i++) {
      for (int k = 0; k < 3; k++) bodies[i].at[k] += 0.001 * bodies[i].speed[k];
    }
  }
  for (int i = 0; i < kBodies; i++) {
    for (int k = 0; k < 3; k++) sum = mix_double(sum, bodies[i].at[k]);
  }
  return sum;
}
