// Floating point through printf and libm, with values that show rounding.
// > 0.33333333333333331 0.667 1.000000e+308 0x1.5555555555555p-2
// > inf -inf nan 4.94066e-324
// > 0.163075557076
// > 16777216.0 2 4
#include <math.h>
#include <stdio.h>

int main(void) {
  volatile double third = 1.0 / 3.0, big = 1e300, tiny = 4.9e-324;
  printf("%.17g %.3f %e %a\n", third, 2.0 / 3.0, big * 1e8, third);
  printf("%g %g %g %g\n", big * big, -big * big, 0.0 / (third - third), tiny);
  double sum = 0;
  for (int i = 1; i <= 1000; ++i) sum += sin(i) * sqrt(i) / exp(i / 500.0);
  printf("%.12f\n", sum);
  float f = 16777216.0f;
  f += 1.0f;
  printf("%.1f %ld %ld\n", f, lrint(2.5), lrint(3.5));
  return 0;
}
