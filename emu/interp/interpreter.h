// The interpreter: runs one hart from decoded blocks by threaded code.
//
// Invariant: run() stops exactly at the count asked for, and what is executed does not depend on how a
// run is cut into calls.
#pragma once

#include <memory>
#include <vector>

#include "emu/base/types.h"
#include "emu/block/block_cache.h"
#include "emu/hart/hart.h"
#include "emu/interp/breakpoints.h"

namespace quire {

enum class RunExit : u8 {
  kCount,       ///< icount reached the limit
  kRequest,     ///< request_exit(); the request is consumed
  kBreakpoint,  ///< before the instruction at a breakpoint
  kWfi,         ///< the hart waits for an interrupt; again at once for as long as none is pending
};

class Interpreter {
 public:
  explicit Interpreter(Hart& hart);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  /// Runs until icount is `until_icount`. Pending interrupts are taken first, and at the limit not: an event
  /// due at that count can still act before the next instruction.
  RunExit run(u64 until_icount);

  /// Virtual addresses before which runs stop, whatever the mode or address space; from the next run() on.
  /// Costs nothing but where such an address, or one of the same page offset, is come by.
  void set_breakpoints(std::vector<u64> pcs, std::vector<PcRange> ranges = {});
  /// The hart's state was replaced: a breakpoint at its pc is one that it has not stopped at.
  void forget_passed_breakpoint();
  const BlockStats& block_stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quire
