// Grows the stack far, then without end: SIGSEGV ends the process.
// @status 139
// > depth 6000
#include <stdio.h>
#include <string.h>

static int depth(int n) {
  volatile char frame[1000];
  memset((void*)frame, n, sizeof frame);
  if (n == 0) return 0;
  return depth(n - 1) + 1 + (frame[0] == (char)n ? 0 : 1);
}

int main(void) {
  printf("depth %d\n", depth(6000));
  fflush(stdout);
  return depth(1 << 30);
}
