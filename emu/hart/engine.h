// HartEngine: what runs a hart. The interpreter is one, the translator another; they do not know each other.
//
// Invariant: what is executed does not depend on the engine, nor on how a run is cut into calls; every run
// can end at any count.
#pragma once

#include <vector>

#include "emu/base/types.h"
#include "quire/engine_stats.h"

namespace quire {

enum class RunExit : u8 {
  kCount,       ///< icount reached the limit
  kRequest,     ///< request_exit(); the request is consumed
  kBreakpoint,  ///< before the instruction at a breakpoint
  kWfi,         ///< the hart waits for an interrupt; again at once for as long as none is pending
};

/// Both ends belong to it.
struct PcRange {
  u64 first, last;

  bool operator==(const PcRange&) const = default;
};

/// Where a breakpoint stopped the hart last, which it gets past by running on.
struct PassedBreakpoint {
  u64 pc = 0;
  u64 icount = ~u64{0};  ///< this: nowhere
};

class HartEngine {
 public:
  virtual ~HartEngine() = default;

  /// Runs until icount is `until_icount`. Pending interrupts are taken first, and at the limit not: an event
  /// due at that count can still act before the next instruction.
  virtual RunExit run(u64 until_icount) = 0;

  /// Virtual addresses before which runs stop, whatever the mode or address space; from the next run() on.
  /// Costs nothing but where such an address, or one of the same page offset, is come by.
  virtual void set_breakpoints(std::vector<u64> pcs, std::vector<PcRange> ranges = {}) = 0;
  /// The hart's state was replaced: a breakpoint at its pc is one that it has not stopped at.
  virtual void forget_passed_breakpoint() = 0;
  /// For an engine that takes over from another.
  virtual PassedBreakpoint passed_breakpoint() const = 0;
  virtual void set_passed_breakpoint(const PassedBreakpoint& passed) = 0;

  virtual EngineStats stats() const = 0;
};

}  // namespace quire
