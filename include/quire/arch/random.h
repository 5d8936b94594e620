// Xoshiro256: xoshiro256** (Blackman and Vigna, 2018), its state filled by SplitMix64 as its authors advise,
// so that no seed gives the state of zeros that it could not leave.
//
// Invariant: what comes is a function of the seed and of how much came before. Not a source of secrets.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

class Xoshiro256 {
 public:
  constexpr explicit Xoshiro256(u64 seed) {
    for (u64& word : state_) {
      seed += 0x9e37'79b9'7f4a'7c15;
      u64 mixed = (seed ^ (seed >> 30)) * 0xbf58'476d'1ce4'e5b9;
      mixed = (mixed ^ (mixed >> 27)) * 0x94d0'49bb'1331'11eb;
      word = mixed ^ (mixed >> 31);
    }
  }

  constexpr u64 next() {
    const u64 result = rotated(state_[1] * 5, 7) * 9;
    const u64 shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotated(state_[3], 45);
    return result;
  }

  /// For saved states.
  constexpr u64 (&state())[4] { return state_; }

 private:
  static constexpr u64 rotated(u64 value, unsigned left) { return value << left | value >> (64 - left); }

  u64 state_[4];
};

}  // namespace quire::arch
