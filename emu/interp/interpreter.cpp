#include "emu/interp/interpreter.h"

#include <algorithm>

#include "emu/hart/access_log.h"
#include "emu/hart/execute.h"
#include "emu/hart/insn_log.h"
#include "emu/interp/engine.h"

namespace quire {
namespace {

/// How long threaded code runs before it looks for requests of other threads, in instructions.
constexpr u64 kSlice = 1 << 20;

}  // namespace

class Interpreter::Impl {
 public:
  explicit Impl(Hart& hart) : hart_(hart), engine_(hart) {}
  ~Impl() {
    // What points to the blocks goes with them.
    hart_.state().engine = nullptr;
    hart_.state().fetch_blocks = nullptr;
    hart_.mmu().fast().clear();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  RunExit run(u64 until_icount);
  const BlockStats& block_stats() const { return engine_.blocks.stats(); }
  void set_breakpoints(std::vector<u64> pcs, std::vector<PcRange> ranges) {
    engine_.breakpoints.set(std::move(pcs), std::move(ranges));
    breakpoints_changed_ = true;
  }
  Breakpoints& breakpoints() { return engine_.breakpoints; }

 private:
  void apply_breakpoints();
  void apply_logging();
  void run_slice(u64 end_icount);
  void run_logged_slice(u64 end_icount);

  Hart& hart_;
  Engine engine_;
  bool breakpoints_changed_ = false;
};

void Interpreter::Impl::apply_breakpoints() {
  breakpoints_changed_ = false;
  engine_.blocks.set_stops(engine_.breakpoints.offsets());
  hart_.mmu().fast().clear();  // entries that lead past the question
}

void Interpreter::Impl::apply_logging() {
  engine_.access_log = hart_.access_log();
  const unsigned insns = hart_.insn_log() != nullptr ? static_cast<unsigned>(Logging::kInsns) : 0;
  const unsigned accesses = engine_.access_log != nullptr ? static_cast<unsigned>(Logging::kAccesses) : 0;
  engine_.blocks.set_logging(static_cast<Logging>(insns | accesses));
}

RunExit Interpreter::Impl::run(u64 until_icount) {
  HartState& state = hart_.state();
  if (state.engine != &engine_) {
    // What fetches lead to is another engine's.
    state.engine = &engine_;
    state.fetch_blocks = nullptr;
    hart_.mmu().fast().clear();
  }
  if (breakpoints_changed_) apply_breakpoints();
  apply_logging();
  const fp::HostGuard guard(state.fp);
  while (true) {
    if (hart_.exit_requested()) {
      hart_.clear_exit_request();
      return RunExit::kRequest;
    }
    if (state.icount >= until_icount) return RunExit::kCount;
    if (hart_.waiting()) return RunExit::kWfi;
    state.waiting = 0;
    if (hart_.take_pending_interrupt() && hart_.exit_requested()) continue;  // an observer's
    if (engine_.blocks.collect()) state.fetch_blocks = nullptr;
    run_logged_slice(std::min(until_icount, state.icount + kSlice));
    if (engine_.at_breakpoint) {
      engine_.at_breakpoint = false;
      return RunExit::kBreakpoint;
    }
  }
}

/// The log is settled before blocks that it names are freed.
void Interpreter::Impl::run_logged_slice(u64 end_icount) {
  try {
    run_slice(end_icount);
  } catch (...) {
    if (InsnLog* log = hart_.insn_log()) log->settle(hart_.state().icount);
    throw;
  }
  if (InsnLog* log = hart_.insn_log()) log->settle(hart_.state().icount);
}

void Interpreter::Impl::run_slice(u64 end_icount) {
  HartState& state = hart_.state();
  engine_.end_icount = end_icount;
  engine_.block_too_long = false;
  if (!hart_.observer_sees_every_insn()) {
    run_threaded(engine_);
    if (!engine_.block_too_long) return;
  }
  // One by one: the rest of the slice, less than a block, or all of it for an observer.
  while (state.icount < end_icount && !engine_.stops_here()) {
    const auto insn = fetch(hart_);
    if (hart_.exit_requested()) return;  // by an observer of the walk
    if (insn && execute(hart_, *insn) == Flow::kNext) continue;
    if (hart_.exit_requested() || state.waiting != 0 || hart_.interrupt_pending()) return;
  }
}

Interpreter::Interpreter(Hart& hart) : impl_(std::make_unique<Impl>(hart)) {}
Interpreter::~Interpreter() = default;
RunExit Interpreter::run(u64 until_icount) { return impl_->run(until_icount); }
EngineStats Interpreter::stats() const {
  return {.blocks_built = block_stats().built, .blocks_dropped = block_stats().dropped};
}
const BlockStats& Interpreter::block_stats() const { return impl_->block_stats(); }
void Interpreter::set_breakpoints(std::vector<u64> pcs, std::vector<PcRange> ranges) {
  impl_->set_breakpoints(std::move(pcs), std::move(ranges));
}
void Interpreter::forget_passed_breakpoint() { impl_->breakpoints().forget_passed(); }
PassedBreakpoint Interpreter::passed_breakpoint() const { return impl_->breakpoints().passed(); }
void Interpreter::set_passed_breakpoint(const PassedBreakpoint& passed) {
  impl_->breakpoints().set_passed(passed);
}

}  // namespace quire
