// Waiting for several files at once: one queue for all pollers, who look again at their own files.
//
// Invariant: whoever makes a file readable, writable or hung up calls the wake() of its PollSource
// afterwards. A source counts these calls, since "became ready anew" is what an edge-triggered watch
// reports: a look that finds the file ready does not tell whether it has been drained in between.
#pragma once

#include "guest/sched/wait.h"
#include "quire/arch/linux/poll.h"

namespace kernel {

/// Pollers sleep here with a predicate over File::poll().
WaitQueue& poll_queue();
inline void wake_pollers() { poll_queue().wake_all(); }

class PollSource : NonCopyable {
 public:
  /// `events`: kPollIn and kPollOut bits that (may) hold from now on; an error or hang-up counts as both.
  void wake(u32 events) {
    constexpr u32 kBoth = kPollErr | kPollHup;
    in_ += (events & (kPollIn | kPollPri | kPollReadHup | kBoth)) != 0;
    out_ += (events & (kPollOut | kBoth)) != 0;
    wake_pollers();
  }
  /// Grows whenever one of `wanted` has come true anew.
  u64 changes(u32 wanted) const {
    constexpr u32 kWrites = kPollOut | kPollWriteNorm | kPollWriteBand;
    return ((wanted & ~kWrites) != 0 ? in_ : 0) + ((wanted & kWrites) != 0 ? out_ : 0);
  }

 private:
  u64 in_ = 0;
  u64 out_ = 0;
};

}  // namespace kernel
