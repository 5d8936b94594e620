// What a program of the suite is: a function that makes ready, says begin(), works `rounds` rounds and
// returns a checksum.
//
// Invariant: the checksum depends on the rounds alone, not on the machine, the kernel or the time, so that
// the builds for riscv64 and for the host must agree; floating point uses what IEEE 754 rounds exactly (+ - *
// / sqrt fma).
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

struct bench {
  const char* name;
  u64 (*run)(u64 rounds);
};

/// Enters the function NAME_run into the list that main.c looks through.
#define BENCH(NAME)                                                                                \
  static u64 NAME##_run(u64 rounds);                                                               \
  extern const struct bench NAME##_entry;                                                          \
  const struct bench NAME##_entry __attribute__((used, section("benches"))) = {#NAME, NAME##_run}; \
  static u64 NAME##_run(u64 rounds)

/// Returns once the clock is read: what comes behind it is measured.
void begin(void);

/// Ends the program with a line that says what failed, and errno.
void die(const char* what) __attribute__((noreturn));
/// die() unless `good`: a result that is known beforehand is not what was computed.
void expect(int good, const char* what);

/// Memory that has been written to; ends the program where there is none.
void* grab(size_t bytes);

static inline u64 mix(u64 sum, u64 value) {
  sum = (sum ^ value) * 0x9e3779b97f4a7c15;
  return sum ^ (sum >> 29);
}

static inline u64 mix_double(u64 sum, double value) {
  u64 bits;
  memcpy(&bits, &value, sizeof(bits));
  return mix(sum, bits);
}

static inline u64 mix_bytes(u64 sum, const void* data, size_t bytes) {
  const u8* at = (const u8*)data;
  for (; bytes >= 8; bytes -= 8, at += 8) {
    u64 word;
    memcpy(&word, at, sizeof(word));
    sum = mix(sum, word);
  }
  for (; bytes > 0; bytes--) sum = mix(sum, *at++);
  return sum;
}

/// The next of a sequence of numbers that look random; `state` is not 0.
static inline u64 next_random(u64* state) {
  u64 x = *state;
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  *state = x;
  return x * 0x2545f4914f6cdd1d;
}

/// Fills `text` with words and line ends, the same at each call, and a 0 at the end.
void write_text(char* text, size_t bytes);

#ifdef __cplusplus
}
#endif
