// PendingSignals: signals sent to a thread or a process and not yet taken.
//
// Invariant: a bit of set() is set exactly while a signal of that number can be taken. A standard signal is
// queued at most once; real-time ones as often as sent, in order (signal(7)). When memory for the details is
// short the bit alone is kept. Lock: the process table's (today: no preemption, nothing here sleeps).
#pragma once

#include "guest/lib/intrusive.h"
#include "guest/lib/result.h"
#include "quire/arch/linux/signal.h"

namespace kernel {

/// Stop signals, and those that a fault of the thread itself causes: taken before all others.
inline constexpr SigSet kStopSignals =
    sig_bit(kSIGSTOP) | sig_bit(kSIGTSTP) | sig_bit(kSIGTTIN) | sig_bit(kSIGTTOU);
inline constexpr SigSet kSynchronousSignals = sig_bit(kSIGSEGV) | sig_bit(kSIGBUS) | sig_bit(kSIGILL) |
                                              sig_bit(kSIGTRAP) | sig_bit(kSIGFPE) | sig_bit(kSIGSYS);
/// Cannot be blocked, caught or ignored.
inline constexpr SigSet kUnblockableSignals = sig_bit(kSIGKILL) | sig_bit(kSIGSTOP);

class PendingSignals : NonCopyable {
 public:
  ~PendingSignals() { clear(); }

  SigSet set() const { return set_; }
  /// EAGAIN when a real-time signal sent by sigqueue(3) cannot be queued for lack of memory or beyond
  /// `limit`.
  KResult<void> add(const SigInfo& info, u64 limit);
  /// Takes the next signal that is in `wanted`; false when there is none.
  bool take(SigSet wanted, SigInfo& out);
  void discard(SigSet which);
  /// A timer's signal that still waits stands for `count` more expiries; false when none waits.
  bool add_timer_overruns(i32 timer_id, i32 count);
  void clear() { discard(~SigSet{0}); }

 private:
  struct Entry {
    ListNode node;
    SigInfo info;
  };
  SigSet set_ = 0;
  u64 queued_ = 0;
  List<Entry, &Entry::node> queue_;
};

}  // namespace kernel
