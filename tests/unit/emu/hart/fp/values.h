// Operands for floating-point tests: boundaries of the formats and of the integers, and random values bent
// towards them. Deterministic for a seed.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "emu/hart/fp/format.h"

namespace quire::fp::test {

template <FpFmt F>
std::vector<typename Format<F>::Bits> boundary_values() {
  using T = Format<F>;
  using Bits = typename T::Bits;
  std::vector<Bits> positive = {
      0,
      1,
      2,
      T::kHiddenBit - 1,  // largest subnormal
      T::kHiddenBit,      // smallest normal
      T::kHiddenBit + 1,
      T::kHiddenBit * 2,
      T::kLargest - 1,
      T::kLargest,
      T::kInfinity,
      T::kInfinity + 1,      // signaling
      T::kCanonicalNan - 1,  // signaling
      T::kCanonicalNan,
      T::kCanonicalNan + 1,
      static_cast<Bits>(~T::kSign),
  };
  // Powers of two around 1 and around where integer types end, their neighbours and halves between.
  for (int e : {-54, -53, -25, -24, -2, -1, 0, 1, 2, 22, 23, 24, 30, 31, 32, 33, 51, 52, 53, 62, 63, 64}) {
    const u64 power = static_cast<u64>(static_cast<Bits>(e + T::kMaxExponent)) << T::kFractionBits;
    for (const u64 v : {power - 1, power, power + 1, power | T::kQuietBit, power | u64{T::kQuietBit} >> 1}) {
      positive.push_back(static_cast<Bits>(v));
    }
  }
  std::vector<Bits> all = positive;
  for (const Bits v : positive) all.push_back(v | T::kSign);
  return all;
}

class Operands {
 public:
  explicit Operands(u64 seed) : random_(seed) {}

  /// A register that mostly holds a value of the format; some are not boxed.
  template <FpFmt F>
  u64 reg() {
    const u64 v = box<F>(value<F>());
    constexpr int kWidth = Format<F>::kWidth;
    if (kWidth == 64 || random_() % 64 != 0) return v;
    return v ^ (u64{1} << (kWidth % 64 + random_() % (64 - kWidth % 64)));
  }

  u64 integer() {
    const u64 v = random_();
    switch (random_() % 4) {
      case 0:
        return v;
      case 1:
        return v >> (random_() % 64);
      case 2:
        return static_cast<u64>(static_cast<i64>(v) >> (random_() % 64));
      default:
        return (u64{1} << (random_() % 64)) + random_() % 5 - 2;
    }
  }

  u64 raw() { return random_(); }

 private:
  template <FpFmt F>
  typename Format<F>::Bits value() {
    using T = Format<F>;
    using Bits = typename T::Bits;
    static const std::vector<Bits> kBoundaries = boundary_values<F>();
    const u64 r = random_();
    const Bits sign = (r & 1) != 0 ? T::kSign : 0;
    switch ((r >> 1) % 6) {
      case 0:
        return kBoundaries[random_() % kBoundaries.size()];
      case 1:
        return static_cast<Bits>(random_());
      case 2: {  // near 1, so that sums cancel and products stay in range; few significant bits make ties
        const int width = static_cast<int>(random_() % T::kFractionBits);
        const Bits fraction = static_cast<Bits>((random_() & (T::kHiddenBit - 1)) >> width << width);
        const Bits exponent = static_cast<Bits>(T::kMaxExponent + static_cast<int>(random_() % 9) - 4);
        return static_cast<Bits>(sign | exponent << T::kFractionBits | fraction);
      }
      case 3:  // subnormal, or just above
        return static_cast<Bits>(sign | random_() % (u64{T::kHiddenBit} * 4) >> random_() % T::kFractionBits);
      case 4: {  // exponents across half the range: products and quotients under- and overflow
        const Bits fraction = static_cast<Bits>(random_()) & (T::kHiddenBit - 1);
        const int half = T::kMaxExponent / 2;
        const int exponent =
            T::kMaxExponent + ((random_() & 1) != 0 ? half : -half) + static_cast<int>(random_() % 59) - 29;
        return static_cast<Bits>(sign | static_cast<Bits>(exponent) << T::kFractionBits | fraction);
      }
      default: {  // as large as integers are
        const Bits exponent = static_cast<Bits>(T::kMaxExponent + static_cast<int>(random_() % 68) - 2);
        return static_cast<Bits>(sign | exponent << T::kFractionBits |
                                 (static_cast<Bits>(random_()) & (T::kHiddenBit - 1)));
      }
    }
  }

  std::mt19937_64 random_;
};

inline const char* name_of(FpOp op) {
  static constexpr const char* kNames[] = {
      "add",     "sub",       "mul",         "div",         "sqrt",  "madd",    "msub",    "nmsub",
      "nmadd",   "to_w",      "to_wu",       "to_l",        "to_lu", "from_w",  "from_wu", "from_l",
      "from_lu", "from_half", "from_single", "from_double", "round", "roundnx", "sgnj",    "sgnjn",
      "sgnjx",   "min",       "max",         "minm",        "maxm",  "eq",      "lt",      "le",
      "ltq",     "leq",       "to_w_mod",    "class"};
  return kNames[static_cast<unsigned>(op)];
}

}  // namespace quire::fp::test
