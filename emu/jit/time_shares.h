// TimeShares: where the host's time goes while a translator runs.
//
// Runs, stays in translated code and translations are timed each; C++ that translated code enters is sampled,
// as a look at the clock costs a quarter of it, and so are runs while they are short, as from hook to hook.
// The samples are a prime number of entries apart, so that what takes turns in a loop gets its turn here.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "emu/base/types.h"
#include "quire/engine_stats.h"

namespace quire::jit {

class TimeShares {
 public:
  template <class Body>
  decltype(auto) run(Body&& body) {
    if (run_is_short_ && --until_run_ != 0) return body();
    weight_ = run_is_short_ ? kStride : 1;
    until_run_ = kStride;
    struct Run {
      TimeShares& shares;
      u64 whole_ns = 0;
      ~Run() {
        shares.run_ns_ += whole_ns * shares.weight_;
        shares.run_is_short_ = whole_ns < kShortNs;
        shares.weight_ = 0;
      }
    } run{*this};
    const Timed timed(run.whole_ns);
    return body();
  }
  /// From entering translated code to leaving it.
  template <class Body>
  decltype(auto) inside(Body&& body) {
    struct Leave {
      TimeShares& shares;
      u64 whole_ns = 0;
      ~Leave() {
        shares.inside_ns_ += whole_ns * shares.weight_;
        shares.inside_ = false;
      }
    } leave{*this};
    inside_ = true;
    if (weight_ == 0) return body();
    const Timed timed(leave.whole_ns);
    return body();
  }
  template <class Body>
  decltype(auto) translate(Body&& body) {
    const Timed timed(translate_ns_[inside_ ? 1 : 0]);
    return body();
  }
  /// What translated code entered.
  template <class Body>
  decltype(auto) outside(Body&& body) {
    if (weight_ == 0 || --until_sample_ != 0) return body();
    until_sample_ = kStride;
    const Sample sample(*this);
    return body();
  }

  void put_into(EngineStats& stats) const {
    const u64 known = inside_ns_ + translate_ns_[0];
    const u64 others = run_ns_ > known ? run_ns_ - known : 0;  // within a run it is not counted yet
    stats.run_ns = run_ns_;
    stats.translate_ns = translate_ns_[0] + translate_ns_[1];
    const u64 most = inside_ns_ > translate_ns_[1] ? inside_ns_ - translate_ns_[1] : 0;
    stats.outside_ns = others + std::min(sampled_ns_, most);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr u32 kStride = 61;
  static constexpr u64 kShortNs = 20'000;  ///< runs
  static constexpr u64 kLongNs = 50'000;   ///< samples

  static u64 between(Clock::time_point a, Clock::time_point b) {
    return static_cast<u64>(std::chrono::duration_cast<std::chrono::nanoseconds>(b - a).count());
  }
  class Timed {
   public:
    explicit Timed(u64& sum_ns) : sum_ns_(sum_ns) {}
    ~Timed() { sum_ns_ += between(start_, Clock::now()); }
    Timed(const Timed&) = delete;
    Timed& operator=(const Timed&) = delete;

   private:
    u64& sum_ns_;
    const Clock::time_point start_ = Clock::now();
  };
  /// Without the look at the clock itself, and without translations.
  class Sample {
   public:
    explicit Sample(TimeShares& shares) : shares_(shares), translated_ns_(shares.translate_ns_[1]) {}
    ~Sample() {
      const u64 whole_ns = between(start_, Clock::now());
      const u64 not_ours_ns = between(before_, start_) + shares_.translate_ns_[1] - translated_ns_;
      const u64 ours_ns = whole_ns > not_ours_ns ? whole_ns - not_ours_ns : 0;
      // Another process had its turn, or the host its work: that is not one of many alike.
      shares_.sampled_ns_ += ours_ns < kLongNs ? ours_ns * kStride * shares_.weight_ : ours_ns;
    }
    Sample(const Sample&) = delete;
    Sample& operator=(const Sample&) = delete;

   private:
    TimeShares& shares_;
    const u64 translated_ns_;
    const Clock::time_point before_ = Clock::now();
    const Clock::time_point start_ = Clock::now();
  };

  u64 run_ns_ = 0;
  u64 inside_ns_ = 0;
  u64 translate_ns_[2] = {};  // outside and inside of inside()
  u64 sampled_ns_ = 0;
  u32 until_sample_ = kStride;
  u32 until_run_ = kStride;
  u32 weight_ = 0;  ///< of what the run at hand takes: how many runs it stands for; 0: it is not timed
  bool run_is_short_ = false;
  bool inside_ = false;
};

}  // namespace quire::jit
