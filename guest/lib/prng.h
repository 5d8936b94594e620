// Prng: deterministic pseudo-random numbers from one 64-bit seed (xoshiro256**, seeded by splitmix64).
//
// For layout randomisation and for repeatable runs; not a source of secrets.
#pragma once

#include "guest/lib/span.h"

namespace kernel {

class Prng {
 public:
  explicit Prng(u64 seed);
  u64 next();
  /// Uniform in [0, bound); `bound` must not be 0.
  u64 below(u64 bound);
  void fill(ByteSpan bytes);

 private:
  u64 state_[4];
};

}  // namespace kernel
