// 64 MiB touched, checked and given back, twice.
// > round 1: 0 bad
// > round 2: 0 bad
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
  const size_t n = 64u << 20;
  for (int round = 1; round <= 2; ++round) {
    unsigned char* p = malloc(n);
    if (!p) return 1;
    for (size_t i = 0; i < n; i += 4096)
      if (p[i] != 0) {
        puts("fresh memory is not zero");
        return 1;
      }
    memset(p, round, n);
    size_t bad = 0;
    for (size_t i = 0; i < n; i += 61) bad += p[i] != round;
    printf("round %d: %zu bad\n", round, bad);
    free(p);
  }
  return 0;
}
