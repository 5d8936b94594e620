// Running: slices of instructions between events, host limits and waits.
//
// What is due at count t acts before instruction t, so a slice never reaches past the next event. A stop at
// count t leaves events of t for the next run: where runs are cut changes nothing.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "emu/machine/engines.h"
#include "emu/machine/machine_impl.h"

namespace quire {
namespace {

// How long the host's clock and late input are not looked at: some milliseconds.
constexpr u64 kSliceInsns = 1'000'000;

constexpr u64 kNsPerMs = 1'000'000;
constexpr int kInputWaitMs = 100;
// With several sources none can be waited for alone.
constexpr int kSharedInputWaitMs = 10;

class RunningGuard {
 public:
  explicit RunningGuard(bool& running) : running_(running) {
    if (running_) {
      throw Error(ErrorKind::kState, "the machine runs already: a callback cannot run it");
    }
    running_ = true;
  }
  ~RunningGuard() { running_ = false; }
  RunningGuard(const RunningGuard&) = delete;
  RunningGuard& operator=(const RunningGuard&) = delete;

 private:
  bool& running_;
};

u64 add_saturating(u64 a, u64 b) { return b > UINT64_MAX - a ? UINT64_MAX : a + b; }

}  // namespace

Stop Machine::Impl::run(const RunLimits& limits) {
  const RunningGuard guard(running_);
  choose_engine();
  RunEnd end{.icount = add_saturating(icount(), limits.max_insns),
             .time_ns = add_saturating(time_ns(), limits.max_ns),
             .deadline = std::nullopt};
  if (limits.timeout_seconds > 0) {
    end.deadline = HostClock::now() + std::chrono::duration_cast<HostClock::duration>(
                                          std::chrono::duration<double>(limits.timeout_seconds));
  }
  board_.poll_inputs();
  for (;;) {
    if (auto stop = check_stop(end)) {
      stop_requested_.store(false, std::memory_order_relaxed);
      return *std::move(stop);
    }
    if (reboot_requested_) {
      reboot();
    }
    events_.run_due();
    if (!halted()) {
      run_slice(end);
    } else if (idle(end) == Idle::kForEver) {
      return make_stop(StopReason::kIdle,
                       firmware_.hart_stopped()
                           ? "every hart has stopped itself"
                           : "the guest waits for ever: no timer is set and no input can come");
    }
  }
}

std::optional<Stop> Machine::Impl::check_stop(const RunEnd& end) {
  if (exit_status_) {
    return make_stop(StopReason::kExited, fmt::format("the guest ended with status {}", *exit_status_));
  }
  if (const auto hit = hub_.take_hit()) {
    return watch_stop(*hit);
  }
  if (std::exchange(at_breakpoint_, false)) {
    return make_stop(StopReason::kBreakpoint, fmt::format("breakpoint at {:#x}", hart_.state().pc));
  }
  if (stop_requested_.load(std::memory_order_relaxed)) {
    return make_stop(StopReason::kRequested, "stopped on request");
  }
  if (icount() >= end.icount) {
    return make_stop(StopReason::kLimit, "the limit of instructions is reached");
  }
  if (time_ns() >= end.time_ns) {
    return make_stop(StopReason::kLimit, "the limit of virtual time is reached");
  }
  if (end.deadline && HostClock::now() >= *end.deadline) {
    return make_stop(StopReason::kTimeout, "the time limit is reached");
  }
  return std::nullopt;
}

/// The translator would go one by one to log what the interpreter logs by blocks. There is one engine at a
/// time: each marks the pages of RAM that it has code of, and unmarks them.
void Machine::Impl::choose_engine() {
  const bool logs = hart_.insn_log() != nullptr || hart_.access_log() != nullptr;
  const EngineKind wanted = logs ? EngineKind::kInterpreter : config_.engine.kind;
  if (engine_config_.kind == wanted) {
    return;
  }
  const PassedBreakpoint passed = engine_->passed_breakpoint();
  EngineStats sum = engine_->stats();
  add_counts(sum, engines_before_);
  sum.code_bytes = sum.table_bytes = 0;
  engines_before_ = sum;
  engine_.reset();
  engine_config_ = config_.engine;
  engine_config_.kind = wanted;
  engine_ = make_engine(engine_config_, hart_).engine;
  engine_->set_breakpoints({breakpoints_.begin(), breakpoints_.end()}, breakpoint_ranges_);
  engine_->set_passed_breakpoint(passed);
}

void Machine::Impl::run_slice(const RunEnd& end) {
  const u64 now_ns = events_.now_ns();
  u64 budget = std::min({end.icount - icount(), end.time_ns - now_ns, kSliceInsns});
  if (const auto due_ns = events_.next_deadline_ns()) {
    budget = std::min(budget, *due_ns - now_ns);
  }
  const bool held = injector_.holds();
  if (held) {
    budget = std::min<u64>(budget, 1);
  }
  slice_end_ns_ = now_ns + budget;
  try {
    at_breakpoint_ = engine_->run(icount() + budget) == RunExit::kBreakpoint;
  } catch (...) {  // a sink's or a stream's
    slice_end_ns_.reset();
    hub_.settle_log();
    throw;
  }
  slice_end_ns_.reset();
  hub_.settle_log();
  if (held) {
    injector_.hold();
  }
  // Slices between events may all be short.
  if (icount() - polled_at_icount_ >= kSliceInsns) {
    polled_at_icount_ = icount();
    board_.poll_inputs();
  }
}

/// An event that was scheduled for before the slice's end ends it early.
void Machine::Impl::on_schedule(u64 deadline_ns) {
  if (slice_end_ns_ && deadline_ns < *slice_end_ns_) {
    hart_.request_exit();
  }
}

Machine::Impl::Idle Machine::Impl::idle(const RunEnd& end) {
  if (firmware_.hart_stopped()) {
    return Idle::kForEver;
  }
  board_.poll_inputs();
  if (!halted()) {
    return Idle::kProgress;
  }
  if (const auto due_ns = events_.next_deadline_ns()) {
    pass_time_to(std::min(*due_ns, end.time_ns), end.deadline);
    return Idle::kProgress;
  }
  if (board_.awaited_network() != nullptr) {  // its own timers need time to pass
    pass_time_to(std::min(events_.now_ns() + kInputWaitMs * kNsPerMs, end.time_ns), end.deadline);
    return Idle::kProgress;
  }
  return wait_for_input(kInputWaitMs, end.deadline) ? Idle::kProgress : Idle::kForEver;
}

/// To the next event or, where the host's time counts, as far as that has gone when input comes. The host is
/// waited for by whole milliseconds, as it cannot be relied on for less; what is left of them is waited for
/// later.
void Machine::Impl::pass_time_to(u64 due_ns, std::optional<HostClock::time_point> deadline) {
  const u64 now_ns = events_.now_ns();
  const u64 wanted_ns = due_ns > now_ns ? due_ns - now_ns : 0;
  const u64 owed_ms = add_saturating(idle_debt_ns_, wanted_ns) / kNsPerMs;
  // A guest's time-outs mean the host's time while it may hear from peers there.
  const bool waits = board_.awaited_network() != nullptr ||
                     (config_.idle_time == IdleTime::kWait && !board_.awaited_inputs().empty());
  if (!waits || owed_ms == 0) {
    idle_debt_ns_ = owed_ms == 0 ? idle_debt_ns_ + wanted_ns : 0;
    events_.skip_to(due_ns);
    return;
  }
  const auto begin = HostClock::now();
  wait_for_input(static_cast<int>(std::min<u64>(owed_ms, kInputWaitMs)), deadline);
  const std::chrono::nanoseconds waited = HostClock::now() - begin;
  const u64 waited_ns = static_cast<u64>(waited.count());
  const u64 paid_ns = std::min(waited_ns, idle_debt_ns_);
  idle_debt_ns_ -= paid_ns;
  events_.skip_to(now_ns + std::min(wanted_ns, waited_ns - paid_ns));
}

/// False when none will ever come.
bool Machine::Impl::wait_for_input(int timeout_ms, std::optional<HostClock::time_point> deadline) {
  const auto sources = board_.awaited_inputs();
  Network* const network = board_.awaited_network();
  if (sources.size() + (network != nullptr ? 1 : 0) > 1) {
    timeout_ms = std::min(timeout_ms, kSharedInputWaitMs);
  }
  if (deadline) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(*deadline - HostClock::now()).count() + 1;
    timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, timeout_ms));
  }
  bool any = false;
  if (network != nullptr) {  // answers to answers come faster than keys are struck
    network->wait(timeout_ms);
    timeout_ms = 0;
    any = true;
  }
  for (ByteSource* source : sources) {
    any = source->wait(timeout_ms) || any;
  }
  return any;
}

void Machine::Impl::request_stop() noexcept {
  stop_requested_.store(true, std::memory_order_relaxed);
  hart_.request_exit();
}

Stop Machine::Impl::watch_stop(const WatchHit& hit) const {
  Stop stop =
      make_stop(StopReason::kWatchpoint, fmt::format("watchpoint: {} of {:#x} by the instruction at {:#x}",
                                                     hit.is_store ? "write" : "read", hit.address, hit.pc));
  stop.watch = hit;
  return stop;
}

Stop Machine::Impl::make_stop(StopReason reason, std::string detail) const {
  return {.reason = reason,
          .hart = hart_.id(),
          .pc = hart_.state().pc,
          .icount = icount(),
          .exit_status = exit_status_.value_or(0),
          .detail = std::move(detail)};
}

}  // namespace quire
