// Names from the shared tables; see quire/trace_names.h.
#include "quire/trace_names.h"

#include "quire/arch/linux/syscalls.h"
#include "quire/arch/names.h"

namespace quire {
namespace {

std::vector<std::string_view> split_fields(std::string_view list) {
  std::vector<std::string_view> fields;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    fields.push_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    list.remove_prefix(std::min(list.find_first_not_of(' '), list.size()));
  }
  return fields;
}

}  // namespace

int EventInfo::field(std::string_view field_name) const {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i] == field_name) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

std::span<const EventInfo> event_table() {
  static const std::vector<EventInfo> kTable = {
#define QUIRE_TRACE_EVENT(id, name, ...) {arch::TraceEventId::k_##name, #name, split_fields(#__VA_ARGS__)},
#include "quire/arch/trace_events.inc"
#undef QUIRE_TRACE_EVENT
  };
  return kTable;
}

const EventInfo* find_event(arch::TraceEventId id) {
  for (const EventInfo& event : event_table()) {
    if (event.id == id) {
      return &event;
    }
  }
  return nullptr;
}

const EventInfo* find_event(std::string_view name) {
  for (const EventInfo& event : event_table()) {
    if (event.name == name) {
      return &event;
    }
  }
  return nullptr;
}

std::span<const EventInfo> machine_event_table() {
  const auto row = [](MachineEventId id, std::string_view name, std::string_view fields) {
    return EventInfo{static_cast<arch::TraceEventId>(id), name, split_fields(fields)};
  };
  static const std::vector<EventInfo> kTable = {
      row(MachineEventId::kInsn, "insn", "pc"),
      row(MachineEventId::kMemRead, "mem_read", "pc, va, size, value"),
      row(MachineEventId::kMemWrite, "mem_write", "pc, va, size, value"),
      row(MachineEventId::kTrap, "trap", "pc, cause, tval, handler"),
      row(MachineEventId::kInterrupt, "interrupt", "pc, cause, handler"),
      row(MachineEventId::kWalk, "walk", "pc, va, asid, access, steps, physical_address, page_bytes"),
      row(MachineEventId::kTlbFill, "tlb_fill", "pc, va, asid, physical_address, page_bytes"),
      row(MachineEventId::kTlbEvict, "tlb_evict", "pc, va, asid, physical_address, page_bytes"),
      row(MachineEventId::kFence, "fence", "pc, va, asid"),
      row(MachineEventId::kSbi, "sbi", "pc, extension, function, a0, a1, a2, error, value"),
  };
  return kTable;
}

const EventInfo* find_machine_event(std::string_view name) {
  for (const EventInfo& event : machine_event_table()) {
    if (event.name == name) {
      return &event;
    }
  }
  return nullptr;
}

std::span<const std::string_view> fault_kind_names() {
  static constexpr std::string_view kNames[] = {
#define QUIRE_FAULT_KIND(id, name) #name,
#include "quire/arch/fault_kinds.inc"
#undef QUIRE_FAULT_KIND
  };
#define QUIRE_FAULT_KIND(id, name) static_assert((id) < std::size(kNames), "fault kinds are dense");
#include "quire/arch/fault_kinds.inc"
#undef QUIRE_FAULT_KIND
  return kNames;
}

std::string_view fault_kind_name(std::uint64_t kind) {
  const auto names = fault_kind_names();
  return kind < names.size() ? names[kind] : std::string_view{};
}

std::string_view syscall_name(std::uint64_t number) {
  switch (number) {
#define QUIRE_SYSCALL(nr, name, ...) \
  case nr:                           \
    return #name;
#define QUIRE_SYSCALL_KNOWN(nr, name, ...) QUIRE_SYSCALL(nr, name)
#include "quire/arch/linux/syscalls.inc"
#undef QUIRE_SYSCALL
#undef QUIRE_SYSCALL_KNOWN
    default:
      return {};
  }
}

std::string_view errno_name(std::int64_t number) {
  switch (number) {
#define QUIRE_ERRNO(nr, name, text) \
  case nr:                          \
    return #name;
#include "quire/arch/linux/errno.inc"
#undef QUIRE_ERRNO
    default:
      return {};
  }
}

std::string_view errno_text(std::int64_t number) {
  switch (number) {
#define QUIRE_ERRNO(nr, name, text) \
  case nr:                          \
    return text;
#include "quire/arch/linux/errno.inc"
#undef QUIRE_ERRNO
    default:
      return {};
  }
}

std::string_view signal_name(std::int64_t number) {
  switch (number) {
#define QUIRE_SIGNAL(nr, name, action, text) \
  case nr:                                   \
    return #name;
#include "quire/arch/linux/signals.inc"
#undef QUIRE_SIGNAL
    default:
      return {};
  }
}

std::string_view access_name(std::uint64_t access) {
  const bool known = access <= static_cast<std::uint64_t>(arch::Access::kExecute);
  return known ? arch::access_key(static_cast<arch::Access>(access)) : std::string_view{};
}

}  // namespace quire
