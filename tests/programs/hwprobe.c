// What the hart can do, as riscv_hwprobe(2) tells it: values, sets of harts, errors; and that what is claimed runs.
// @no-qemu-user it knows neither sets of harts nor all keys
//
// > ima: base 1, fd and c 3, unknown key -1 0
// > misaligned: fast 3 3
// > zero block: claimed as sized 1, zeroes 1
// > address sizes and clock: 1 1
// > conditional zero: 1
// > get: none named 0, this hart 0, another too 0, another EINVAL, empty EINVAL, no address EFAULT, no size EINVAL
// > which: holds 1, all 1, more bits 0, wrong number 0, unknown 0 and its key -1, three bytes ffffffffff000001
// > which errors: no set EINVAL, no size EINVAL
// > flags EINVAL EINVAL, pairs EFAULT
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
  BASE = 3,
  IMA = 4,
  PERFORMANCE = 5,
  ZERO_BLOCK = 6,
  HIGHEST = 7,
  FREQUENCY = 8,
  MISALIGNED = 9,
  UNKNOWN = 1000
};
enum { WHICH_CPUS = 1 };

struct pair {
  int64_t key;
  uint64_t value;
};

static long probe(void *pairs, size_t count, size_t bytes, void *cpus, unsigned flags) {
  return syscall(258, pairs, count, bytes, cpus, flags);
}
static uint64_t value(int64_t key) {
  struct pair pair = {key, 77};
  return probe(&pair, 1, 0, NULL, 0) == 0 && pair.key == key ? pair.value : ~0ul;
}
static const char *outcome(long result) { return result == 0 ? "0" : strerrorname_np(errno); }
static const char *get(size_t bytes, void *cpus) {
  struct pair pairs[2] = {{BASE, 0}, {IMA, 0}};
  return outcome(probe(pairs, 2, bytes, cpus, 0));
}
static uint64_t which(uint64_t cpus, int64_t key, uint64_t wanted, int64_t *key_after) {
  struct pair pairs[2] = {{BASE, 1}, {key, wanted}};
  const long result = probe(pairs, 2, sizeof cpus, &cpus, WHICH_CPUS);
  if (key_after) *key_after = pairs[1].key;
  return result == 0 ? cpus : 1000;
}

static int zeroes_blocks(uint64_t bytes) {
  static _Alignas(4096) unsigned char page[4096];
  memset(page, 1, sizeof page);
  register void *at asm("a0") = page;
  asm volatile(".insn i 0x0f, 2, x0, %0, 4" : : "r"(at) : "memory");
  for (uint64_t i = 0; i < sizeof page; i++) {
    if (page[i] != (i >= bytes)) return 0;
  }
  return 1;
}
/// czero.eqz of (5, 0) and (5, 1).
static int conditional_zero(void) {
  uint64_t none, all;
  asm volatile(".insn r 0x33, 5, 7, %0, %1, %2" : "=r"(none) : "r"(5ul), "r"(0ul));
  asm volatile(".insn r 0x33, 5, 7, %0, %1, %2" : "=r"(all) : "r"(5ul), "r"(1ul));
  return none == 0 && all == 5;
}

int main(void) {
  struct pair unknown = {UNKNOWN, 5};
  probe(&unknown, 1, 0, NULL, 0);
  printf("ima: base %lu, fd and c %lu, unknown key %ld %lu\n", value(BASE), value(IMA) & 3, unknown.key,
         unknown.value);
  printf("misaligned: fast %lu %lu\n", value(PERFORMANCE), value(MISALIGNED));
  const int has_zero_blocks = value(IMA) >> 6 & 1;
  printf("zero block: claimed as sized %d, zeroes %d\n", has_zero_blocks == (value(ZERO_BLOCK) != 0),
         !has_zero_blocks || zeroes_blocks(value(ZERO_BLOCK)));
  printf("address sizes and clock: %d %d\n", value(HIGHEST) == 1ul << 38, value(FREQUENCY) == 10000000);
  printf("conditional zero: %d\n", !(value(IMA) >> 35 & 1) || conditional_zero());

  uint64_t first = 1, two = 3, second = 2, none = 0;
  printf("get: none named %s, ", get(0, NULL));
  printf("this hart %s, ", get(8, &first));
  printf("another too %s, ", get(8, &two));
  printf("another %s, ", get(8, &second));
  printf("empty %s, ", get(8, &none));
  printf("no address %s, ", get(8, NULL));
  printf("no size %s\n", get(0, &first));

  int64_t key;
  uint64_t wide = ~0ul;
  struct pair base = {BASE, 1};
  printf("which: holds %lu, all %lu, more bits %lu, ", which(3, IMA, 3, NULL), which(0, IMA, 1, NULL),
         which(3, BASE, 2, NULL));
  printf("wrong number %lu, ", which(1, HIGHEST, 1, NULL));
  const uint64_t left = which(1, UNKNOWN, 0, &key);
  probe(&base, 1, 3, &wide, WHICH_CPUS);
  printf("unknown %lu and its key %ld, three bytes %lx\n", left, key, wide);
  printf("which errors: no set %s, ", outcome(probe(&base, 1, 8, NULL, WHICH_CPUS)));
  printf("no size %s\n", outcome(probe(&base, 1, 0, &first, WHICH_CPUS)));
  printf("flags %s ", outcome(probe(&base, 1, 8, &first, 2)));
  printf("%s, ", outcome(probe(&base, 1, 8, &first, 3)));
  printf("pairs %s\n", outcome(probe((void*)8, 1, 0, NULL, 0)));
  return 0;
}
