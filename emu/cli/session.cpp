// Running a machine to its end and judging that end; see session.h.
#include "emu/cli/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>

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

Session::Session(const Config& config, const Options& options) : options_(options), machine_(config) {
  machine_.add_sink(&events_);
  machine_.add_sink(&processes_);
  if (options.strace) {
    const auto to_stderr = std::make_shared<FdSink>(STDERR_FILENO, "standard error");
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

Report Session::run() {
  RunLimits limits;
  limits.timeout_seconds = options_.timeout_seconds;
  if (options_.max_insns) {
    limits.max_insns = *options_.max_insns;
  }

  const InterruptGuard guard(machine_);
  const auto begin = std::chrono::steady_clock::now();
  const Stop stop = machine_.run(limits);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  if (strace_) {
    strace_->finish();
  }

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
