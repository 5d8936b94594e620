// Tracepoints: events for the host through the trace port; without the port (another board) they do nothing.
//
// The same instructions run whether or not the host listens.
#pragma once

#include "guest/lib/types.h"
#include "quire/arch/trace_port.h"

namespace kernel {

namespace trace_detail {
/// The device's registers, or null; the record that it reads.
extern volatile u64* g_port;
extern volatile u64 g_record[kTraceArgs];

template <class T>
u64 as_word(T value) {
  if constexpr (requires { value.value; }) {
    return value.value;
  } else {
    return static_cast<u64>(value);
  }
}
}  // namespace trace_detail

/// Arguments in the order of trace_events.inc: integers, enums or addresses.
template <class... Args>
void trace(TraceEventId id, Args... args) {
  static_assert(sizeof...(Args) <= kTraceArgs);
  volatile u64* const port = trace_detail::g_port;
  if (port == nullptr) {
    return;
  }
  volatile u64* word = trace_detail::g_record;
  [[maybe_unused]] const auto put = [&](u64 value) { *word++ = value; };
  (put(trace_detail::as_word(args)), ...);
  port[kTraceRegDoorbell / sizeof(u64)] = static_cast<u64>(id) | (u64{sizeof...(Args)} << 16);
}

void init_trace_port();

}  // namespace kernel
