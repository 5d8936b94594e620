// How much work a guest may ask of a device a moment: what a hostile driver's requests cost the host is
// bounded.
//
// The limits on a run (host seconds, Ctrl-C) act between slices of instructions, and one store to a notify
// register can name terabytes of work. So a device pays for what it does from a budget that virtual time
// fills; one that has spent it stops and goes on when the budget opens again. All of it is virtual time and
// counts, never the host's clock: runs repeat. An honest driver does not come near the limit.
// Invariant: in `t` nanoseconds at most kBurst + t * kPerNs units are begun, and one step more.
#pragma once

#include <algorithm>

#include "emu/base/types.h"
#include "quire/state_archive.h"

namespace quire {

class WorkBudget {
 public:
  /// A unit is a byte moved; other work is priced in bytes that take the host as long.
  static constexpr u64 kPerNs = 64;
  static constexpr u64 kBurst = u64{32} << 20;
  /// A spent budget stays closed until it holds this much, so that going on is worth an event.
  static constexpr u64 kReopen = u64{4} << 20;

  explicit WorkBudget(Clock& clock) : clock_(clock) {}

  /// Whether another step of work may begin.
  bool open() {
    refill();
    closed_ = level_ <= 0 || (closed_ && level_ < static_cast<i64>(kReopen));
    return !closed_;
  }
  void spend(u64 units) { level_ -= static_cast<i64>(std::min(units, kBurst)); }
  void transfer(StateArchive& archive) {
    refill();  // when it was last looked at depends on how runs were cut
    archive(level_, filled_at_ns_, closed_);
  }
  /// When open() will be true again; now, when it is.
  u64 opens_at_ns() {
    if (open()) {
      return filled_at_ns_;
    }
    const u64 missing = static_cast<u64>(static_cast<i64>(kReopen) - level_);
    return filled_at_ns_ + (missing + kPerNs - 1) / kPerNs;
  }

 private:
  void refill() {
    const u64 now_ns = clock_.now_ns();
    // Cut before it can overflow; debt is at most a burst and one step, so three pay all and fill the rest.
    const u64 earned = std::min(now_ns - filled_at_ns_, 3 * kBurst / kPerNs) * kPerNs;
    level_ = std::min(level_ + static_cast<i64>(earned), static_cast<i64>(kBurst));
    filled_at_ns_ = now_ns;
  }

  Clock& clock_;
  i64 level_ = kBurst;
  u64 filled_at_ns_ = 0;
  bool closed_ = false;
};

}  // namespace quire
