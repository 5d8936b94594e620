// Who is told what a hart does; for tracing and watchpoints. Observers change nothing, but may request an
// exit.
//
// They are asked by the complete execution alone (emu/hart/execute.h): to see every instruction or every
// access to a page, the fast path must be kept from it (Hart::set_observer, Mmu::set_slow_pages).
#pragma once

#include "emu/base/types.h"
#include "emu/isa/insn.h"
#include "emu/mem/trap.h"

namespace quire {

class HartObserver {
 public:
  virtual ~HartObserver() = default;
  /// Before `insn`, at the hart's pc.
  virtual void on_begin(const Insn& insn) = 0;
  /// After it has retired; not when it trapped.
  virtual void on_end(const Insn& insn) = 0;
  /// Within an instruction: an access has been made. `value` is what was read or written.
  virtual void on_access(Access access, u64 va, unsigned size, u64 value) = 0;
  /// The handler is about to be entered. `cause` is as in mcause.
  virtual void on_trap(u64 cause, u64 tval, Privilege target, u64 handler) = 0;
};

}  // namespace quire
