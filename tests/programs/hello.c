// The smallest program: one line, status 0.
// > hello, world with 0 argument(s)
#include <stdio.h>

int main(int argc, char** argv) {
  printf("hello, %s with %d argument(s)\n", "world", argc - 1);
  for (int i = 1; i < argc; ++i) printf("argv[%d]=%s\n", i, argv[i]);
  return 0;
}
