// Calls that are deep and many: Fibonacci's numbers, Takeuchi's function, queens on a board.
#include "bench.h"

#define APART __attribute__((noinline, noclone, optimize("no-optimize-sibling-calls")))

static APART u32 fibonacci(u32 n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

static APART int takeuchi(int x, int y, int z) {
  return y >= x ? z : takeuchi(takeuchi(x - 1, y, z), takeuchi(y - 1, z, x), takeuchi(z - 1, x, y));
}

static APART u32 queens(u32 size, u32 columns, u32 left, u32 right) {
  const u32 all = (1u << size) - 1;
  u32 count = 0;
  if (columns == all) return 1;
  for (u32 places = all & ~(columns | left | right); places != 0; places &= places - 1) {
    const u32 place = places & -places;
    count += queens(size, columns | place, (left | place) << 1, (right | place) >> 1);
  }
  return count;
}

BENCH(recursion) {
  u64 sum = 0;
  expect(fibonacci(20) == 6765 && queens(8, 0, 0, 0) == 92,
         "what is known of Fibonacci's numbers and queens");
  begin();
  for (u64 i = 0; i < rounds; i++) {
    sum = mix(sum, fibonacci(20 + i % 4));
    sum = mix(sum, (u64)takeuchi(12, 8, (int)(i % 4)));
    sum = mix(sum, queens(8 + i % 2, 0, 0, 0));
  }
  return sum;
}
