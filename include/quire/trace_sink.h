// Where the supervisor's events go (quire/arch/trace_events.inc).
#pragma once

#include <array>
#include <cstdint>

#include "quire/arch/trace_port.h"

namespace quire {

/// One event of the supervisor, at the instruction that rang the doorbell.
struct TraceEvent {
  arch::TraceEventId id;
  std::uint8_t hart;
  std::uint8_t arg_count;                            ///< words of `args` in use
  std::uint64_t icount;                              ///< before the doorbell's store
  std::array<std::uint64_t, arch::kTraceArgs> args;  ///< unused words are 0
};

class TraceSink {
 public:
  virtual ~TraceSink() = default;
  /// Called synchronously. May read the machine, request a stop, and add and remove sinks: one that is
  /// removed is told no more, one that is added from the next event on. Must not run the machine.
  virtual void on_event(const TraceEvent& event) = 0;
};

}  // namespace quire
