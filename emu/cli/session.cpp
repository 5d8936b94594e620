// Running a machine to its end and judging that end; see session.h.
#include "emu/cli/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "emu/cli/files.h"
#include "emu/cli/interrupt.h"
#include "emu/cli/message.h"
#include "quire/host_file.h"
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
      report.detail = !options.gdb || InterruptGuard::interrupted()
                          ? fmt::format("interrupted at {} instructions", stop.icount)
                          : fmt::format("{} at {} instructions", stop.detail, stop.icount);
      return;
    case StopReason::kBreakpoint:  // gdb's, which has been told and has left
    case StopReason::kWatchpoint:
    case StopReason::kIdle:
      report.origin = Origin::kLimit;
      report.status = kLimitStatus;
      report.detail = fmt::format(
          "stopped at {} instructions: the guest waits for something that cannot come any more", stop.icount);
      return;
  }
}

/// A copy of all else: what is large stays where it is.
Config without_images(Config& config) {
  std::vector<std::uint8_t> kernel = std::move(config.kernel);
  std::vector<std::uint8_t> initrd = std::move(config.initrd);
  Config others = config;
  config.kernel = std::move(kernel);
  config.initrd = std::move(initrd);
  return others;
}

}  // namespace

Config machine_config(const Options& options) {
  Config config;
  config.ram_bytes = parse_size(options.ram);
  if (!options.tlb.empty()) {
    config.tlb = parse_tlb(options.tlb);
  }
  config.isa = options.isa;
  config.engine = parse_engine(options.engine);
  if (options.check_fences) {
    config.tlb.check = FenceCheck::kReport;
  }
  config.seed = options.seed;
  for (const std::string& drive : options.drives) {
    config.drives.push_back(parse_drive(drive));
  }
  for (const std::string& share : options.shares) {
    config.shares.push_back(parse_share(share));
  }
  config.net = parse_net(options.net);
  if (!options.screen.empty()) {
    config.screen = parse_screen(options.screen);
  } else if (!options.screenshot.empty()) {
    throw Error(ErrorKind::kUsage, "--screenshot needs a screen; add --screen WIDTHxHEIGHT, as in 1024x768");
  }
  return config;
}

bool Patience::over() const {
  return InterruptGuard::interrupted() || (timeout_.count() > 0 && Clock::now() - begin_ - held_ >= timeout_);
}

std::shared_ptr<ByteSink> standard_sink(int fd, const std::shared_ptr<Patience>& patience) {
  const char* name = fd == STDERR_FILENO ? "standard error" : "standard output";
  return std::make_shared<FdSink>(fd, name, [patience] { return patience->over(); });
}

Session::Session(Config config, const Options& options, std::shared_ptr<Patience> patience)
    : options_(options),
      patience_(std::move(patience)),
      settings_(without_images(config)),
      machine_(std::move(config)) {
  machine_.add_sink(&events_);
  machine_.add_sink(&processes_);
  if (options.strace) {
    const auto to_stderr = standard_sink(STDERR_FILENO, patience_);
    strace_.emplace(machine_, [to_stderr](std::string_view line) {
      to_stderr->write({reinterpret_cast<const std::uint8_t*>(line.data()), line.size()});
    });
    machine_.add_sink(&*strace_);
  }
  for (const std::string& file : options.symbols) {
    machine_.add_symbols(read_host_file(file).data, file);
  }
  if (options.trace) {
    trace_ = std::make_unique<debug::TraceWriter>(machine_, debug::TraceSpec::parse(*options.trace));
  }
  if (options.gdb) {
    make_gdb();
  }
}

/// The port is taken before anything runs.
void Session::make_gdb() {
  debug::GdbServer::Wiring wiring;
  wiring.interrupted = [] { return InterruptGuard::interrupted(); };
  wiring.killing_signal = [this](const Stop&) {
    const ProcessInfo* program = processes_.main_program();
    return program != nullptr ? program->term_signal() : 0;
  };
  wiring.say = [](std::string_view line) { note(line); };
  wiring.held = [this](std::chrono::duration<double> time) {
    held_ += time;
    patience_->extend(time);
  };
  gdb_ = std::make_unique<debug::GdbServer>(machine_, *options_.gdb, std::move(wiring));
}

Session::~Session() {
  gdb_.reset();
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
    Stop stop = gdb_ ? gdb_->run(limits) : machine_.run(limits);
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
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin - held_;
  if (trace_) {
    trace_->finish();
  }
  for (const std::string& trouble : machine_.troubles()) {
    note(trouble);
  }
  if (!options_.screenshot.empty()) {
    const auto png = encode_png(*machine_.screen());
    write_file(options_.screenshot, {reinterpret_cast<const char*>(png.data()), png.size()});
  }

  Report report;
  judge(report, stop, options_);
  if (const ProcessInfo* program = processes_.main_program();
      program != nullptr && report.origin == Origin::kGuest) {
    report.signal = program->term_signal();
  }
  settings_.engine = machine_.config().engine;  // the one that was chosen
  report.machine = MachineFacts{machine_.counters(),
                                machine_.engine_stats(),
                                machine_.fence_report(),
                                events_,
                                settings_,
                                elapsed.count(),
                                std::nullopt};
  if (options_.digest) {
    report.machine->digest = machine_.digest();
  }
  return report;
}

}  // namespace quire::cli
