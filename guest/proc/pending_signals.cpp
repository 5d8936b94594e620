#include "guest/proc/pending_signals.h"

#include <cstring>

#include "guest/lib/heap.h"

namespace kernel {

namespace {

/// What is known of a signal whose details were not kept.
SigInfo bare_info(i32 signo) {
  SigInfo info{};
  info.signo = signo;
  info.code = kSiUser;
  return info;
}

}  // namespace

KResult<void> PendingSignals::add(const SigInfo& info, u64 limit) {
  const SigSet bit = sig_bit(info.signo);
  const bool realtime = info.signo >= kSignalRtMin;
  if (!realtime && (set_ & bit) != 0) {
    return {};
  }
  Entry* const entry = queued_ < limit ? new (std::nothrow) Entry : nullptr;
  if (entry == nullptr && realtime && info.code != kSiUser) {
    return Err(Errno::kEAGAIN);
  }
  if (entry != nullptr) {
    entry->info = info;
    queue_.push_back(*entry);
    queued_++;
  }
  set_ |= bit;
  return {};
}

bool PendingSignals::take(SigSet wanted, SigInfo& out) {
  const SigSet ready = set_ & wanted;
  if (ready == 0) {
    return false;
  }
  const SigSet first = (ready & kSynchronousSignals) != 0 ? ready & kSynchronousSignals : ready;
  const i32 signo = __builtin_ctzll(first) + 1;
  out = bare_info(signo);
  bool found = false;
  bool more = false;
  for (auto it = queue_.begin(); it != queue_.end();) {
    Entry& entry = *it;
    if (entry.info.signo != signo) {
      ++it;
      continue;
    }
    if (found) {
      more = true;
      break;
    }
    out = entry.info;
    found = true;
    it = queue_.erase(it);
    queued_--;
    delete &entry;
  }
  if (!more) {
    set_ &= ~sig_bit(signo);
  }
  return true;
}

bool PendingSignals::add_timer_overruns(i32 timer_id, i32 count) {
  for (Entry& entry : queue_) {
    if (entry.info.code == kSiTimer && entry.info.timer.timer_id == timer_id) {
      i32& overrun = entry.info.timer.overrun;
      overrun = __builtin_add_overflow(overrun, count, &overrun) ? INT32_MAX : overrun;
      return true;
    }
  }
  return false;
}

void PendingSignals::discard(SigSet which) {
  set_ &= ~which;
  for (auto it = queue_.begin(); it != queue_.end();) {
    Entry& entry = *it;
    if ((sig_bit(entry.info.signo) & which) == 0) {
      ++it;
      continue;
    }
    it = queue_.erase(it);
    queued_--;
    delete &entry;
  }
}

}  // namespace kernel
