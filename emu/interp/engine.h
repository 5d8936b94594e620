// What the interpreter's handlers share with its run loop.
#pragma once

#include "emu/block/block_cache.h"
#include "emu/block/breakpoints.h"
#include "emu/hart/access_log.h"
#include "emu/hart/hart.h"

// Handlers call each other in tail position. Where the compiler does not promise to make jumps of these calls
// (no optimisation, sanitizers), each returns to the run loop instead.
#if defined(__clang__) && defined(__OPTIMIZE__)
#define QUIRE_TAIL [[clang::musttail]]
#define QUIRE_TAIL_CALLS 1
#elif defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__)
#define QUIRE_TAIL
#define QUIRE_TAIL_CALLS 1
#else
#define QUIRE_TAIL
#define QUIRE_TAIL_CALLS 0
#endif

namespace quire {

/// Runs the instruction of `cell`, in a block that starts at `pc`, and all that follows it. `left`
/// instructions may still run, those of this block taken off already.
using Handler = void (*)(HartState* state, const Cell* cell, u64 pc, i64 left);

const HandlerTable& interpreter_handlers();

struct Engine {
  explicit Engine(Hart& h)
      : hart(h), blocks(h.mmu().bus().ram(), h.mmu().fast(), h.isa(), interpreter_handlers()) {}

  Hart& hart;
  BlockCache blocks;
  u64 end_icount = 0;           ///< where `left` is 0
  bool block_too_long = false;  ///< left the threaded code as the next block would run past the end
  Breakpoints breakpoints;
  bool at_breakpoint = false;  ///< left the threaded code before the instruction at state.pc

  // While accesses are logged: where, the block that runs, its first instruction and the count before that.
  AccessLog* access_log = nullptr;
  const Cell* logged_cells = nullptr;
  u64 logged_icount = 0;

  /// Asks before the instruction at state.pc, icount being exact.
  bool stops_here() {
    const HartState& state = hart.state();
    if (!breakpoints.any() || !breakpoints.hit(state.pc, state.icount)) return false;
    at_breakpoint = true;
    return true;
  }

  // Only without tail calls: the handler to go on with, none when cell is null.
  const Cell* next_cell = nullptr;
  u64 next_pc = 0;
  i64 next_left = 0;
};

/// Runs threaded code from state.pc until something comes up; pc and icount are then exact.
void run_threaded(Engine& engine);

}  // namespace quire
