// Prng: deterministic pseudo-random numbers from one 64-bit seed.
//
// For layout randomisation and for repeatable runs; not a source of secrets.
#pragma once

#include "guest/lib/span.h"
#include "quire/arch/random.h"

namespace kernel {

class Prng {
 public:
  explicit Prng(u64 seed) : generator_(seed) {}
  u64 next() { return generator_.next(); }
  /// Uniform in [0, bound); `bound` must not be 0.
  u64 below(u64 bound);
  void fill(ByteSpan bytes);

 private:
  Xoshiro256 generator_;
};

}  // namespace kernel
