// struct rusage of getrusage(2) and wait4(2).
#pragma once

#include "guest/hal/time.h"
#include "guest/proc/exit.h"
#include "guest/syscall/arguments.h"

namespace kernel {

struct Rusage {
  TimeVal user;
  TimeVal system;
  i64 max_rss_kib;
  i64 shared_text;
  i64 unshared_data;
  i64 unshared_stack;
  i64 minor_faults;
  i64 major_faults;
  i64 swaps;
  i64 blocks_in;
  i64 blocks_out;
  i64 messages_sent;
  i64 messages_received;
  i64 signals;
  i64 voluntary_switches;
  i64 involuntary_switches;
};
static_assert(sizeof(Rusage) == 144);

inline Rusage to_rusage(const Usage& usage) {
  Rusage result{};
  result.user = to_timeval(ticks_to_ns(usage.times.user));
  result.system = to_timeval(ticks_to_ns(usage.times.system));
  result.max_rss_kib = static_cast<i64>(usage.peak_rss_pages * (kPageBytes / 1024));
  result.minor_faults = static_cast<i64>(usage.minor_faults);
  result.major_faults = static_cast<i64>(usage.major_faults);
  return result;
}

}  // namespace kernel
