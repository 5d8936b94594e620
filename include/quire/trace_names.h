// The names behind the supervisor's numbers: events and their fields, fault kinds, calls, errors, signals.
//
// All come from the tables in quire/arch; a number without a name gives an empty string.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "quire/arch/trace_port.h"

namespace quire {

struct EventInfo {
  arch::TraceEventId id;
  std::string_view name;
  std::vector<std::string_view> fields;  ///< one a word of TraceEvent::args

  /// Index of a field, or -1.
  int field(std::string_view field_name) const;
};

std::span<const EventInfo> event_table();
const EventInfo* find_event(arch::TraceEventId id);
const EventInfo* find_event(std::string_view name);

/// What the machine itself can be recorded doing; ids that no event of the supervisor has.
enum class MachineEventId : std::uint16_t {
  kInsn = 0x8000,
  kMemRead,
  kMemWrite,
  kTrap,
  kInterrupt,
  kWalk,
  kTlbFill,
  kTlbEvict,
  kFence,
  kSbi,
};
std::span<const EventInfo> machine_event_table();
const EventInfo* find_machine_event(std::string_view name);

std::span<const std::string_view> fault_kind_names();  ///< indexed by arch::FaultKind
std::string_view fault_kind_name(std::uint64_t kind);
std::string_view syscall_name(std::uint64_t number);
std::string_view errno_name(std::int64_t number);
std::string_view errno_text(std::int64_t number);
std::string_view signal_name(std::int64_t number);
/// "r", "w" or "x" for arch::Access.
std::string_view access_name(std::uint64_t access);

}  // namespace quire
