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
}  // namespace trace_detail

/// Arguments in the order of trace_events.inc: integers, enums or addresses.
template <class... Args>
void trace(TraceEventId id, Args... args) {
  static_assert(sizeof...(Args) <= kTraceArgs);
  volatile u64* const port = trace_detail::g_port;
  if (port == nullptr) {
    return;
  }
  [[maybe_unused]] unsigned at = 0;
  ((trace_detail::g_record[at++] = [](auto arg) {
     if constexpr (requires { arg.value; }) {
       return arg.value;
     } else {
       return static_cast<u64>(arg);
     }
   }(args)),
   ...);
  port[kTraceRegDoorbell / sizeof(u64)] = static_cast<u64>(id) | (u64{sizeof...(Args)} << 16);
}

void init_trace_port();

}  // namespace kernel
