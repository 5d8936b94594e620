// One run of one machine: the streams and limits of the command line, what watches it, and what it came to.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "emu/cli/options.h"
#include "emu/cli/report.h"
#include "emu/debug/gdb_server.h"
#include "emu/debug/trace_writer.h"
#include "quire/config.h"
#include "quire/event_counters.h"
#include "quire/machine.h"
#include "quire/process_table.h"
#include "quire/strace.h"

namespace quire::cli {

/// RAM, TLB and seed of the command line. Throws Error(kUsage).
Config machine_config(const Options& options);

/// How long the guest's output waits for a reader that takes nothing: until Ctrl-C, or until --timeout is
/// over. Time in which gdb holds the guest does not count.
class Patience {
 public:
  explicit Patience(double timeout_seconds) : timeout_(timeout_seconds) {}
  void start() { begin_ = Clock::now(); }
  void extend(std::chrono::duration<double> held) { held_ += held; }
  bool over() const;

 private:
  using Clock = std::chrono::steady_clock;
  std::chrono::duration<double> timeout_;  ///< 0: none
  Clock::time_point begin_ = Clock::now();
  std::chrono::duration<double> held_{};
};

/// One of the command's own streams, for the guest's bytes.
std::shared_ptr<ByteSink> standard_sink(int fd, const std::shared_ptr<Patience>& patience);

class Session {
 public:
  Session(Config config, const Options& options, std::shared_ptr<Patience> patience);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Runs to the end or a limit. The report's status is already that of the command.
  Report run();

  Machine& machine() { return machine_; }
  const EventCounters& events() const { return events_; }
  const ProcessTable& processes() const { return processes_; }

 private:
  Stop run_machine(const RunLimits& limits);
  void make_gdb();

  const Options& options_;
  std::shared_ptr<Patience> patience_;
  Config settings_;  ///< the machine's, for the report: without kernel and initrd, which are large
  Machine machine_;
  EventCounters events_;
  ProcessTable processes_;
  std::optional<Strace> strace_;
  std::unique_ptr<debug::TraceWriter> trace_;
  std::unique_ptr<debug::GdbServer> gdb_;
  std::chrono::duration<double> held_{};  ///< of the run, by gdb
};

}  // namespace quire::cli
