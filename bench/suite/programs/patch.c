// One instruction of a loop's body patched before each 50 calls of it, among code that stays as it is.
#include "host_code.h"

enum { kSteps = 64, kCalls = 50 };

BENCH(patch) {
  unit* const code = map_code((kSteps * kCodeUnits + kReturnUnits) * sizeof(unit));
  u64 state = 47, value = 1;
  unit* end = code;
  for (u32 i = 0; i < kSteps; i++) end = emit_step(end, i);
  end = emit_return(end);
  publish(code, end);
  begin();
  for (u64 round = 0; round < rounds; round++) {
    unit* const step = code + next_random(&state) % kSteps * kCodeUnits;
    patch_step(step, (u32)(next_random(&state) >> 53));
    publish(step, step + kCodeUnits);
    for (int i = 0; i < kCalls; i++) value = call(code, value);
  }
  return value;
}
