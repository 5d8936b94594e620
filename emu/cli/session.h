// One run of one machine: the streams and limits of the command line, what watches it, and what it came to.
#pragma once

#include <optional>

#include "emu/cli/options.h"
#include "emu/cli/report.h"
#include "quire/config.h"
#include "quire/event_counters.h"
#include "quire/machine.h"
#include "quire/process_table.h"
#include "quire/strace.h"

namespace quire::cli {

/// RAM, TLB and seed of the command line. Throws Error(kUsage).
Config machine_config(const Options& options);

class Session {
 public:
  Session(const Config& config, const Options& options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Runs to the end or a limit. The report's status is already that of the command.
  Report run();

  Machine& machine() { return machine_; }
  const EventCounters& events() const { return events_; }
  const ProcessTable& processes() const { return processes_; }

 private:
  const Options& options_;
  Machine machine_;
  EventCounters events_;
  ProcessTable processes_;
  std::optional<Strace> strace_;
};

}  // namespace quire::cli
