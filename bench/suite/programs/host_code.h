// The few instructions that jit.c and patch.c generate, for the machine that they are compiled for.
//
// A function made of them takes and returns a 64-bit number, works on it alone, and uses 32-bit immediates.
#pragma once

#include <sys/mman.h>

#include "bench.h"

#if defined(__riscv)

typedef u32 unit;
enum { kCodeUnits = 4, kReturnUnits = 1 };

/// x = x * 5 + value, with 0 <= value < 2048: four units, of which the last holds the value.
static inline unit* emit_step(unit* at, u32 value) {
  at[0] = 0x00251293;                // slli t0, a0, 2
  at[1] = 0x00550533;                // add a0, a0, t0
  at[2] = 0x00000013;                // nop
  at[3] = 0x00050513 | value << 20;  // addi a0, a0, value
  return at + kCodeUnits;
}
static inline void patch_step(unit* at, u32 value) { at[3] = 0x00050513 | value << 20; }
static inline unit* emit_return(unit* at) {
  at[0] = 0x00008067;  // ret
  return at + kReturnUnits;
}

#elif defined(__x86_64__)

typedef u8 unit;
enum { kCodeUnits = 11, kReturnUnits = 4 };

static inline void patch_step(unit* at, u32 value) { memcpy(at + 7, &value, 4); }
static inline unit* emit_step(unit* at, u32 value) {
  const u8 code[] = {0x48, 0x8d, 0x3c, 0xbf,  // lea rdi, [rdi + rdi*4]
                     0x48, 0x81, 0xc7};       // add rdi, value
  memcpy(at, code, sizeof(code));
  memcpy(at + sizeof(code), &value, 4);
  return at + sizeof(code) + 4;
}
static inline unit* emit_return(unit* at) {
  const u8 code[] = {0x48, 0x89, 0xf8, 0xc3};  // mov rax, rdi; ret
  memcpy(at, code, sizeof(code));
  return at + sizeof(code);
}

#else
#error "no code can be generated for this machine"
#endif

typedef u64 (*function)(u64);

static inline unit* map_code(size_t bytes) {
  void* const at = mmap(NULL, bytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) die("mmap");
  memset(at, 0, bytes);
  return at;
}

/// What is written is what runs from here on: fence.i, by the kernel's leave.
static inline void publish(unit* from, unit* to) { __builtin___clear_cache((char*)from, (char*)to); }

static inline u64 call(const unit* code, u64 value) {
  function f;
  memcpy(&f, &code, sizeof(f));
  return f(value);
}
