// A million ints through qsort: paging, and a callback called twenty million times.
// > sorted 1000000, sum kept
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int compare(const void* a, const void* b) {
  int x = *(const int*)a, y = *(const int*)b;
  return (x > y) - (x < y);
}

int main(void) {
  const int n = 1000000;
  int* v = malloc(n * sizeof *v);
  uint32_t state = 12345;
  uint64_t before = 0, after = 0;
  for (int i = 0; i < n; ++i) {
    state = state * 1664525u + 1013904223u;
    v[i] = (int)state;
    before += (uint32_t)v[i];
  }
  qsort(v, n, sizeof *v, compare);
  for (int i = 0; i < n; ++i) {
    after += (uint32_t)v[i];
    if (i > 0 && v[i - 1] > v[i]) {
      puts("not sorted");
      return 1;
    }
  }
  printf("sorted %d, sum %s\n", n, before == after ? "kept" : "lost");
  return 0;
}
