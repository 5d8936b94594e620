// Counts what is asked for again and again, up to the time that is to go wrong (quire/fault.h).
//
// Invariant: `over()` once it will never again answer true.
#pragma once

#include "emu/base/types.h"
#include "quire/fault.h"

namespace quire {

class FaultCounter {
 public:
  FaultCounter() = default;
  explicit FaultCounter(const FaultTimes& times)
      : left_(times.nth), lasting_(times.lasting), random_(scramble(times.seed)) {
    constexpr double kTwoTo32 = 4294967296.0;
    threshold_ = times.probability >= 1 ? kAlways : static_cast<u64>(times.probability * kTwoTo32);
  }

  /// Whether this time is one.
  bool next() {
    if (left_ == 0 || --left_ != 0) return false;
    if (lasting_ == FaultTimes::Lasting::kOnce) return true;
    left_ = 1;
    return threshold_ == kAlways || (draw() >> 32) < threshold_;
  }
  bool over() const { return left_ == 0; }

  template <class Archive>
  void transfer(Archive& archive) {
    archive(left_, lasting_, threshold_, random_);
  }

 private:
  static constexpr u64 kAlways = u64{1} << 32;
  /// Never 0, where xorshift would stay.
  static u64 scramble(u64 seed) { return (seed + 1) * 0x9e37'79b9'7f4a'7c15 | 1; }
  u64 draw() {
    random_ ^= random_ << 13;  // xorshift64 (Marsaglia, 2003)
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return random_;
  }

  u64 left_ = 0;
  FaultTimes::Lasting lasting_ = FaultTimes::Lasting::kOnce;
  u64 threshold_ = kAlways;
  u64 random_ = 1;
};

}  // namespace quire
