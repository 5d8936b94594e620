// Running a machine to its end and judging that end; see session.h.
#include "emu/cli/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "emu/cli/interrupt.h"
#include "quire/settings.h"
#include "quire/streams.h"

namespace quire::cli {
namespace {

constexpr int kLimitStatus = 124;
constexpr int kInterruptStatus = 130;

void judge(Report& report, const Stop& stop, const Options& options) {
  switch (stop.reason) {
    case StopReason::kExited:
      report.origin = Origin::kGuest;
      report.status = stop.exit_status;
      return;
    case StopReason::kLimit:
      report.origin = Origin::kLimit;
      report.status = kLimitStatus;
      report.detail =
          fmt::format("stopped after {} instructions (--max-insns {})", stop.icount, *options.max_insns);
      return;
    case StopReason::kTimeout:
      report.origin = Origin::kLimit;
      report.status = kLimitStatus;
      report.detail = fmt::format("stopped after {} seconds (--timeout), at {} instructions",
                                  options.timeout_seconds, stop.icount);
      return;
    case StopReason::kRequested:
      report.origin = Origin::kLimit;
      report.status = kInterruptStatus;
      report.detail = fmt::format("interrupted at {} instructions", stop.icount);
      return;
    case StopReason::kIdle:
      report.origin = Origin::kLimit;
      report.status = kLimitStatus;
      report.detail = fmt::format(
          "stopped at {} instructions: the guest waits for something that cannot come any more", stop.icount);
      return;
  }
}

}  // namespace

Config machine_config(const Options& options) {
  Config config;
  config.ram_bytes = parse_size(options.ram);
  if (!options.tlb.empty()) {
    config.tlb = parse_tlb(options.tlb);
  }
  config.isa = options.isa;
  config.seed = options.seed;
  return config;
}

bool Patience::over() const {
  return InterruptGuard::interrupted() || (timeout_.count() > 0 && Clock::now() - begin_ >= timeout_);
}

std::shared_ptr<ByteSink> standard_sink(int fd, const std::shared_ptr<Patience>& patience) {
  const char* name = fd == STDERR_FILENO ? "standard error" : "standard output";
  return std::make_shared<FdSink>(fd, name, [patience] { return patience->over(); });
}

Session::Session(const Config& config, const Options& options, std::shared_ptr<Patience> patience)
    : options_(options), patience_(std::move(patience)), machine_(config) {
  machine_.add_sink(&events_);
  machine_.add_sink(&processes_);
  if (options.strace) {
    const auto to_stderr = standard_sink(STDERR_FILENO, patience_);
    strace_.emplace(machine_, [to_stderr](std::string_view line) {
      to_stderr->write({reinterpret_cast<const std::uint8_t*>(line.data()), line.size()});
    });
    machine_.add_sink(&*strace_);
  }
}

Session::~Session() {
  if (strace_) {
    machine_.remove_sink(&*strace_);
  }
  machine_.remove_sink(&processes_);
  machine_.remove_sink(&events_);
}

/// A stalled reader ends the run as the limit does that was waited for.
Stop Session::run_machine(const RunLimits& limits) {
  const InterruptGuard guard(machine_);
  patience_->start();
  try {
    const Stop stop = machine_.run(limits);
    if (strace_) {
      strace_->finish();
    }
    return stop;
  } catch (const ReaderStalled& stalled) {
    return {.reason = InterruptGuard::interrupted() ? StopReason::kRequested : StopReason::kTimeout,
            .hart = 0,
            .pc = machine_.hart().pc(),
            .icount = machine_.icount(),
            .exit_status = 0,
            .detail = stalled.what()};
  } catch (const ReaderGone& gone) {  // as the program itself would have ended: by SIGPIPE
    return {.reason = StopReason::kExited,
            .hart = 0,
            .pc = machine_.hart().pc(),
            .icount = machine_.icount(),
            .exit_status = 128 + SIGPIPE,
            .detail = gone.what()};
  }
}

Report Session::run() {
  RunLimits limits;
  limits.timeout_seconds = options_.timeout_seconds;
  if (options_.max_insns) {
    limits.max_insns = *options_.max_insns;
  }

  const auto begin = std::chrono::steady_clock::now();
  const Stop stop = run_machine(limits);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;

  Report report;
  judge(report, stop, options_);
  if (const ProcessInfo* program = processes_.main_program();
      program != nullptr && report.origin == Origin::kGuest) {
    report.signal = program->term_signal();
  }
  Config config = machine_.config();
  config.kernel.clear();
  config.initrd.clear();
  report.machine =
      MachineFacts{machine_.counters(), events_, std::move(config), elapsed.count(), std::nullopt};
  if (options_.digest) {
    report.machine->digest = machine_.digest();
  }
  return report;
}

}  // namespace quire::cli
