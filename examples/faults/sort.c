// Sorts 300 numbers, checks its own result, and prints some: what is flipped in it shows as wrong output, a status of 77 (it
// noticed itself), a signal, or not at all.
#include <stdio.h>
#include <stdlib.h>

static int up(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

int main(void) {
  static int numbers[300];
  unsigned seed = 7;
  for (int i = 0; i < 300; i++) numbers[i] = (int)((seed = seed * 1103515245u + 12345u) >> 8 & 0xffff);
  qsort(numbers, 300, sizeof *numbers, up);
  for (int i = 1; i < 300; i++)
    if (numbers[i - 1] > numbers[i]) return 77;
  for (int i = 0; i < 300; i += 30) printf("%d\n", numbers[i]);
}
