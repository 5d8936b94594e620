// Statistics as text and as JSON; see report.h.
#include "emu/cli/report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "emu/cli/files.h"
#include "emu/cli/message.h"
#include "quire/error.h"
#include "quire/settings.h"
#include "quire/trace_names.h"

namespace quire::cli {
namespace {

const char* origin_name(Origin origin) {
  switch (origin) {
    case Origin::kGuest:
      return "guest";
    case Origin::kLimit:
      return "limit";
    case Origin::kUsage:
      return "usage";
    case Origin::kEmulator:
      return "emulator";
  }
  return "?";
}

double mips(const MachineFacts& machine) {
  return machine.seconds > 0 ? static_cast<double>(machine.counters.icount) / machine.seconds / 1e6 : 0;
}

/// Calls `visit(name, count)` for every way of answering a page fault that occurred.
template <class Visit>
void for_each_fault(const EventCounters& events, Visit visit) {
  const auto names = fault_kind_names();
  for (std::size_t kind = 0; kind < names.size(); ++kind) {
    if (const std::uint64_t count = events.faults(static_cast<arch::FaultKind>(kind))) {
      visit(names[kind], count);
    }
  }
}

nlohmann::ordered_json faults_json(const EventCounters& events) {
  nlohmann::ordered_json faults = {{"minor", events.minor_faults()}, {"major", events.major_faults()}};
  for_each_fault(events,
                 [&](std::string_view name, std::uint64_t count) { faults[std::string(name)] = count; });
  return faults;
}

/// Null when the run ended before its program.
nlohmann::ordered_json injection_json(const Report& report) {
  if (!report.injection) {
    return nullptr;
  }
  return {{"reached", report.injection->refused != 0},
          {"refused", report.injection->refused},
          {"missing", report.injection->missing}};
}

nlohmann::ordered_json by_access_json(const std::uint64_t (&counts)[3]) {
  return {{"r", counts[0]}, {"w", counts[1]}, {"x", counts[2]}};
}

nlohmann::ordered_json tlb_json(const TlbStats& tlb, bool counted) {
  // Null is "not counted" (quire/machine.h), which 0 is not.
  return {{"hits", counted ? nlohmann::ordered_json(tlb.hits) : nlohmann::ordered_json()},
          {"misses", tlb.misses},
          {"walks", tlb.walks},
          {"evictions", tlb.evictions},
          {"flushes_all", tlb.flushes_all},
          {"flushes_asid", tlb.flushes_asid},
          {"flushes_page", tlb.flushes_page},
          {"flushes_page_asid", tlb.flushes_page_asid},
          {"hits_by_access", counted ? by_access_json(tlb.hits_by_access) : nlohmann::ordered_json()},
          {"misses_by_access", by_access_json(tlb.misses_by_access)},
          {"pte_reads", tlb.pte_reads}};
}

nlohmann::ordered_json fences_json(const FenceReport& fences) {
  nlohmann::ordered_json json;
  visit_counts(fences, [&json](const char* name, std::uint64_t count) { json[name] = count; });
  json["findings"] = nlohmann::ordered_json::array();
  for (const FenceFinding& finding : fences.findings) {
    nlohmann::ordered_json& listed = json["findings"].emplace_back();
    visit_fields(finding, [&listed](const char* name, const auto& value) { listed[name] = value; });
  }
  return json;
}

const char* mode_name(BootMode mode) {
  switch (mode) {
    case BootMode::kBare:
      return "bare";
    case BootMode::kSupervisor:
      return "supervisor";
    case BootMode::kFirmware:
      return "firmware";
  }
  return "?";
}

nlohmann::ordered_json config_json(const Config& config, const Options& options) {
  return {{"mode", mode_name(config.mode)},
          {"ram_bytes", config.ram_bytes},
          {"isa", full_isa(config.isa)},
          {"tlb",
           {{"entries", config.tlb.entries},
            {"ways", config.tlb.ways},
            {"policy", tlb_policy_name(config.tlb.policy)},
            {"check", config.tlb.check == FenceCheck::kOff ? "off" : "fences"}}},
          {"rtc_epoch_seconds", config.rtc_epoch_seconds},
          {"engine", engine_name(config.engine.kind)},
          {"program", options.program},
          {"args", options.args},
          {"kernel", options.kernel},
          {"append", options.append},
          {"drives", options.drives}};
}

/// Those that are not 0, with their names.
template <std::size_t N>
std::string listed(const std::array<std::uint64_t, N>& counts, const char* const (&names)[N]) {
  std::string text;
  for (std::size_t i = 0; i < N; ++i) {
    if (counts[i] != 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", counts[i], names[i]);
  }
  return text.empty() ? text : " (" + text + ")";
}

std::string translation_text(const EngineStats& engine) {
  const auto share = [&engine](std::uint64_t part_ns) {
    return engine.run_ns == 0 ? 0.0
                              : 100.0 * static_cast<double>(part_ns) / static_cast<double>(engine.run_ns);
  };
  const double translating = share(engine.translate_ns);
  const double outside = share(engine.outside_ns);
  return fmt::format(
      "dropped       {}{}, {} flushes\n"
      "translation   {} KiB of code, {} KiB of tables, {} links\n"
      "entered C++   {} calls{}, {} page lookups, {} jumps to no code yet, {} ends of slices\n"
      "host time     {:.1f}% in translated code, {:.1f}% translating, {:.1f}% in the rest (sampled); {} cold "
      "instructions\n",
      engine.blocks_dropped + engine.blocks_remade, listed(engine.dropped_by, kDropReasonNames),
      engine.flushes, engine.code_bytes / 1024, engine.table_bytes / 1024, engine.links, engine.calls,
      listed(engine.calls_by, kCallKindNames), engine.misses, engine.cold_jumps, engine.too_long,
      100.0 - translating - outside, translating, outside, engine.cold_insns);
}

std::string engine_text(const MachineFacts& machine) {
  const EngineStats& engine = machine.engine;
  std::string text = fmt::format("engine        {}: {} blocks made", engine_name(machine.config.engine.kind),
                                 engine.blocks_built);
  if (machine.config.engine.kind == EngineKind::kTranslator) {
    text += "\n" + translation_text(engine);
  } else {
    text += fmt::format(", {} dropped\n", engine.blocks_dropped);
  }
  if (!engine.instead.empty()) {
    text += fmt::format("              no translator: {}\n", engine.instead);
  }
  return text;
}

nlohmann::ordered_json engine_json(const EngineStats& engine) {
  nlohmann::ordered_json json = {{"instead", engine.instead}};
  visit_counts(engine, [&json](const char* name, const auto& count) { json[name] = count; });
  for (std::size_t i = 0; i < kDropReasons; ++i)
    json["dropped_by"][kDropReasonNames[i]] = engine.dropped_by[i];
  for (std::size_t i = 0; i < kCallKinds; ++i) json["calls_by"][kCallKindNames[i]] = engine.calls_by[i];
  return json;
}

void to_stderr(const std::string& text) {
  if (!print_to(STDERR_FILENO, text)) {
    throw Error(ErrorKind::kFile, "standard error takes nothing; what was to be reported there is lost");
  }
}

}  // namespace

std::string format_stats(const Report& report) {
  if (!report.machine) {
    return {};
  }
  const MachineFacts& machine = *report.machine;
  const Counters& counters = machine.counters;
  const TlbStats& tlb = counters.tlb;
  std::string text = fmt::format(
      "instructions  {} (retired {})\n"
      "time          {:.3f} s, {:.1f} MIPS\n"
      "traps         {} exceptions, {} interrupts\n",
      counters.icount, counters.minstret, machine.seconds, mips(machine), counters.traps,
      counters.interrupts);
  if (machine.events.events(arch::TraceEventId::k_exec) == 0) {  // nobody told which kinds
    text += fmt::format("page faults   {}\n", counters.page_faults);
  } else {
    text += fmt::format("page faults   {} minor, {} major\n", machine.events.minor_faults(),
                        machine.events.major_faults());
    for_each_fault(machine.events, [&](std::string_view name, std::uint64_t count) {
      text += fmt::format("              {:<12} {}\n", name, count);
    });
    using enum arch::TraceEventId;
    text += fmt::format("processes     {} forks, {} execs, {} system calls, {} context switches\n",
                        machine.events.events(k_fork), machine.events.events(k_exec),
                        machine.events.events(k_syscall_enter), machine.events.events(k_context_switch));
  }
  if (report.injection) {
    text += fmt::format("fail-alloc    {} allocations refused\n", report.injection->refused);
  }
  text +=
      fmt::format("TLB           {} misses, {} walks, {} evictions\n", tlb.misses, tlb.walks, tlb.evictions);
  // The fastest TLB does not see its hits (quire/machine.h).
  if (const std::uint64_t accesses = tlb.hits + tlb.misses; tlb.hits != 0) {
    text += fmt::format("TLB hits      {} ({:.4f}% of {} accesses): {} loads, {} stores, {} fetches\n",
                        tlb.hits, 100.0 * static_cast<double>(tlb.hits) / static_cast<double>(accesses),
                        accesses, tlb.hits_by_access[0], tlb.hits_by_access[1], tlb.hits_by_access[2]);
  }
  text +=
      fmt::format("TLB misses    {} loads, {} stores, {} fetches; walks read {} entries\n",
                  tlb.misses_by_access[0], tlb.misses_by_access[1], tlb.misses_by_access[2], tlb.pte_reads);
  text += fmt::format("TLB flushes   {} whole, {} of an ASID, {} of a page, {} of a page of an ASID\n",
                      tlb.flushes_all, tlb.flushes_asid, tlb.flushes_page, tlb.flushes_page_asid);
  return text + engine_text(machine);
}

std::string format_fences(const FenceReport& fences) {
  if (!fences.enabled) {
    return {};
  }
  std::string text;
  for (const FenceFinding& finding : fences.findings) {
    text += finding.describe() + "\n";
  }
  return text + fmt::format(
                    "fence check   {} TLB hits compared: {} stale uses ({} findings{}), {} spurious faults, "
                    "{} uses with A cleared\n",
                    fences.hits_checked, fences.stale_uses, fences.findings.size(),
                    fences.unlisted == 0 ? "" : fmt::format(", {} uses not listed", fences.unlisted),
                    fences.spurious_faults, fences.accessed_cleared);
}

std::string format_json(const Report& report, const Options& options) {
  nlohmann::ordered_json json = {{"origin", origin_name(report.origin)}, {"status", report.status}};
  json["signal"] =
      report.signal != 0 ? nlohmann::ordered_json(report.signal) : nlohmann::ordered_json(nullptr);
  if (!report.detail.empty()) {
    json["detail"] = report.detail;
  }
  if (report.machine) {
    const MachineFacts& machine = *report.machine;
    json["icount"] = machine.counters.icount;
    json["seconds"] = machine.seconds;
    json["mips"] = mips(machine);
    json["faults"] = faults_json(machine.events);
    if (!options.fail_alloc.empty()) {
      json["fail_alloc"] = injection_json(report);
    }
    json["tlb"] = tlb_json(machine.counters.tlb, machine.config.tlb.counts_hits());
    json["engine"] = engine_json(machine.engine);
    if (machine.fences.enabled) {
      json["fences"] = fences_json(machine.fences);
    }
    if (machine.digest) {
      json["digest"] = fmt::format("{:016x}", *machine.digest);
    }
    json["config"] = config_json(machine.config, options);
  }
  json["seed"] = options.seed;
  json["version"] = QUIRE_VERSION;
  // Paths and arguments may hold bytes that are not UTF-8.
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void deliver(const Report& report, const Options& options) {
  if (options.stats) {
    to_stderr(format_stats(report));
  }
  if (report.machine) {
    to_stderr(format_fences(report.machine->fences));
  }
  if (options.digest && report.machine && report.machine->digest) {
    to_stderr(fmt::format("digest        {:016x}\n", *report.machine->digest));
  }
  if (options.json) {
    const std::string text = format_json(report, options);
    if (options.json->empty()) {
      to_stderr(text);
    } else {
      write_file(*options.json, text);
    }
  }
}

}  // namespace quire::cli
