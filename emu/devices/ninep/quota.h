// A bound on something of the host's that a client can make the server hold, and a holder's part of it.
//
// Invariant: what the holders have taken together never exceeds the limit, and goes back with each holder.
// A quota may be shared by servers of several threads.
#pragma once

#include <atomic>
#include <utility>

#include "emu/base/types.h"

namespace quire::share {

class Quota {
 public:
  /// The quota outlives it. One that belongs to no quota holds nothing.
  class Holding {
   public:
    Holding() = default;
    explicit Holding(Quota& quota) : quota_(&quota) {}
    Holding(Holding&& other) noexcept
        : quota_(std::exchange(other.quota_, nullptr)), amount_(std::exchange(other.amount_, 0)) {}
    Holding& operator=(Holding&& other) noexcept {
      std::swap(quota_, other.quota_);
      std::swap(amount_, other.amount_);
      return *this;
    }
    Holding(const Holding&) = delete;
    Holding& operator=(const Holding&) = delete;
    ~Holding() {
      if (quota_ != nullptr) {
        quota_->used_ -= amount_;
      }
    }

    /// Takes more; false, and nothing taken, when that is over the limit.
    [[nodiscard]] bool grow(u64 amount) {
      u64 used = quota_->used_;
      do {
        if (amount > quota_->limit_ - used) {
          return false;
        }
      } while (!quota_->used_.compare_exchange_weak(used, used + amount));
      amount_ += amount;
      return true;
    }

   private:
    Quota* quota_ = nullptr;
    u64 amount_ = 0;
  };

  explicit Quota(u64 limit) : limit_(limit) {}
  Quota(const Quota&) = delete;
  Quota& operator=(const Quota&) = delete;

  u64 limit() const { return limit_; }
  u64 used() const { return used_; }

 private:
  const u64 limit_;
  std::atomic<u64> used_ = 0;
};

}  // namespace quire::share
