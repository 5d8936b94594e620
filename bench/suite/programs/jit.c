// A code generator: functions of 1 to 40 steps written over each other in eight places, each called a few
// times.
#include "host_code.h"

enum { kPlaces = 8, kMostSteps = 40, kCalls = 20, kPlaceUnits = 64 * kCodeUnits };

BENCH(jit) {
  unit* const code = map_code(kPlaces * kPlaceUnits * sizeof(unit));
  u64 state = 43, sum = 0;
  begin();
  for (u64 round = 0; round < rounds; round++) {
    unit* const start = code + round % kPlaces * kPlaceUnits;
    const u64 steps = 1 + next_random(&state) % kMostSteps;
    u64 value = round, expected;
    unit* at = start;
    u32 values[kMostSteps];
    for (u64 i = 0; i < steps; i++) {
      values[i] = (u32)(next_random(&state) >> 53);
      at = emit_step(at, values[i]);
    }
    at = emit_return(at);
    publish(start, at);
    for (int i = 0; i < kCalls; i++) {
      expected = value;
      for (u64 step = 0; step < steps; step++) expected = expected * 5 + values[step];
      value = call(start, value);
      expect(value == expected, "what generated code computes");
    }
    sum = mix(sum, value);
  }
  return sum;
}
