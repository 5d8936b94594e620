// Floating point: an n-body step, a matrix product, a polynomial, in double and in single precision.
#include <stddef.h>

typedef struct {
  double x, y, z, vx, vy, vz, mass;
} Body;

static Body bodies[5] = {
    {0, 0, 0, 0, 0, 0, 39.47},
    {4.84, -1.16, -0.10, 0.60, 2.81, -0.02, 0.037},
    {8.34, 4.12, -0.40, -1.01, 1.82, 0.008, 0.011},
    {12.89, -15.11, -0.22, 1.08, 0.86, -0.01, 0.0017},
    {15.37, -25.91, 0.17, 0.97, 0.59, -0.034, 0.002},
};

static double root(double x) {
  double r;
  __asm__("fsqrt.d %0, %1" : "=f"(r) : "f"(x));
  return r;
}

static void step(double dt) {
  for (int i = 0; i < 5; i++)
    for (int j = i + 1; j < 5; j++) {
      const double dx = bodies[i].x - bodies[j].x, dy = bodies[i].y - bodies[j].y, dz = bodies[i].z - bodies[j].z;
      const double d2 = dx * dx + dy * dy + dz * dz;
      const double mag = dt / (d2 * root(d2));
      bodies[i].vx -= dx * bodies[j].mass * mag;
      bodies[i].vy -= dy * bodies[j].mass * mag;
      bodies[i].vz -= dz * bodies[j].mass * mag;
      bodies[j].vx += dx * bodies[i].mass * mag;
      bodies[j].vy += dy * bodies[i].mass * mag;
      bodies[j].vz += dz * bodies[i].mass * mag;
    }
  for (int i = 0; i < 5; i++) {
    bodies[i].x += dt * bodies[i].vx;
    bodies[i].y += dt * bodies[i].vy;
    bodies[i].z += dt * bodies[i].vz;
  }
}

enum { kSide = 24 };
static double a[kSide][kSide], b[kSide][kSide], c[kSide][kSide];
static float wave[512];

volatile double result;  // keeps the work alive

int main(void) {
  for (int i = 0; i < kSide; i++)
    for (int j = 0; j < kSide; j++) {
      a[i][j] = i + j * 0.5;
      b[i][j] = (i - j) * 0.25;
    }
  float total = 0;
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < 200; i++) step(0.01);
    for (int i = 0; i < kSide; i++)
      for (int j = 0; j < kSide; j++) {
        double sum = 0;
        for (int k = 0; k < kSide; k++) sum += a[i][k] * b[k][j];
        c[i][j] = sum;
      }
    for (int i = 0; i < 512; i++) {
      const float t = (float)i * 0.01f;
      wave[i] = t * (1.0f - t * t * (1.0f / 6 - t * t * (1.0f / 120)));
      total += wave[i];
    }
  }
  result = bodies[0].x + c[3][5] + total;
  return 0;
}
