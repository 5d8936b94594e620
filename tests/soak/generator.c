// Generates functions without end, over an arena that is written and executed, and checks what each returns.
//
//   generator FUNCTIONS PLACES
//
// makes FUNCTIONS in an arena for PLACES of them, says `made FUNCTIONS WRONG`, and goes on if the line it
// reads then is "more".
//
// A function takes a number through 1 to 250 steps (shift, add, add a constant), so it may be of several
// pages. It is called often enough to be translated; some that were made before are called again, while
// theirs is still in the arena, and one step of some is changed in place.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "random.h"

enum { kMostSlots = 4096, kSlotBytes = 4096 + 64, kMostSteps = 250, kCalls = 12, kAgain = 4 };

struct function {
  uint32_t steps;  // 0: none yet
  uint16_t constants[kMostSteps];
};

static uint8_t* arena;
static struct function functions[kMostSlots];
static uint32_t slots;
static uint64_t wrong;

static uint8_t* code_of(uint32_t slot) { return arena + (size_t)slot * kSlotBytes; }

static void write_step(uint32_t slot, uint32_t step) {
  const uint32_t code[] = {
      0x00251293,                                                    // slli t0, a0, 2
      0x00550533,                                                    // add a0, a0, t0
      0x00050513 | (uint32_t)functions[slot].constants[step] << 20,  // addi a0, a0, constant
      0x00150513,                                                    // addi a0, a0, 1
  };
  memcpy(code_of(slot) + step * sizeof(code), code, sizeof(code));
}

static void publish(uint32_t slot) {
  char* const from = (char*)code_of(slot);
  __builtin___clear_cache(from, from + kSlotBytes);
}

static void generate(uint32_t slot) {
  const uint32_t ret = 0x00008067;
  struct function* const f = &functions[slot];
  f->steps = 1 + (uint32_t)below(kMostSteps);
  for (uint32_t step = 0; step < f->steps; step++) {
    f->constants[step] = (uint16_t)below(2048);
    write_step(slot, step);
  }
  memcpy(code_of(slot) + f->steps * 16, &ret, sizeof(ret));
  publish(slot);
}

static void check(uint32_t slot, uint32_t calls) {
  const struct function* const f = &functions[slot];
  uint64_t (*code)(uint64_t);
  uint8_t* const at = code_of(slot);
  memcpy(&code, &at, sizeof(code));
  for (uint32_t i = 0; i < calls; i++) {
    uint64_t expected = i * 77 + slot;
    const uint64_t got = code(expected);
    for (uint32_t step = 0; step < f->steps; step++) expected = expected * 5 + f->constants[step] + 1;
    wrong += got != expected;
  }
}

static void change_one_step(uint32_t slot) {
  const uint32_t step = (uint32_t)below(functions[slot].steps);
  functions[slot].constants[step] = (uint16_t)below(2048);
  write_step(slot, step);
  publish(slot);
}

int main(int argc, char** argv) {
  const uint64_t at_a_time = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
  char line[16];
  uint64_t made = 0;
  slots = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : kMostSlots;
  if (slots == 0 || slots > kMostSlots) return 2;
  random_state = 2026;
  arena = mmap(NULL, (size_t)slots * kSlotBytes, PROT_READ | PROT_WRITE | PROT_EXEC,
               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (arena == MAP_FAILED) return 1;
  do {
    for (uint64_t i = 0; i < at_a_time; i++, made++) {
      const uint32_t slot = (uint32_t)below(slots);
      generate(slot);
      check(slot, kCalls);
      const uint32_t other = (uint32_t)below(slots);
      if (functions[other].steps == 0) continue;
      check(other, kAgain);
      if (one_in(8)) {
        change_one_step(other);
        check(other, kCalls);
      }
    }
    printf("made %llu %llu\n", (unsigned long long)made, (unsigned long long)wrong);
    fflush(stdout);
  } while (fgets(line, sizeof(line), stdin) != NULL && strcmp(line, "more\n") == 0);
  return wrong != 0;
}
