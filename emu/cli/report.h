// What a run came to, for people (--stats), for programs (--json), and as an exit status.
#pragma once

#include <optional>
#include <string>

#include "emu/cli/options.h"
#include "quire/event_counters.h"
#include "quire/machine.h"

namespace quire::cli {

/// Who decided the exit status.
enum class Origin { kGuest, kLimit, kUsage, kEmulator };

/// What is known of a machine when it has run.
struct MachineFacts {
  Counters counters;
  EngineStats engine;
  FenceReport fences;
  EventCounters events;
  Config config;   ///< without its images
  double seconds;  ///< host time of the run, without that for which gdb held the guest
  std::optional<std::uint64_t> digest;
};

/// What came of --fail-alloc: allocations that were refused, or how many more it would have taken to the
/// first.
struct InjectionOutcome {
  std::uint64_t refused;
  std::uint64_t missing;
};

struct Report {
  Origin origin = Origin::kEmulator;
  int status = 3;
  int signal = 0;      ///< that killed the guest's program, or 0
  std::string detail;  ///< one line; empty when there is nothing to say
  std::optional<MachineFacts> machine;
  std::optional<InjectionOutcome>
      injection;  ///< none without --fail-alloc, or when the run did not come to its end
};

std::string format_stats(const Report& report);
/// What the fence checker found, a line each, and a line that sums it up; empty where it was off.
std::string format_fences(const FenceReport& fences);
std::string format_json(const Report& report, const Options& options);

/// Writes what the options ask for. Throws Error(kFile) when the JSON file cannot be written.
void deliver(const Report& report, const Options& options);

}  // namespace quire::cli
