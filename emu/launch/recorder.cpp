// Recording events in columns; see quire/recorder.h.
#include "quire/recorder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "quire/error.h"

namespace quire {
namespace {

[[noreturn]] void no_such_event(const std::string& name) {
  std::vector<std::string_view> known;
  for (const EventInfo& event : event_table()) {
    known.push_back(event.name);
  }
  for (const EventInfo& event : machine_event_table()) {
    known.push_back(event.name);
  }
  throw Error(ErrorKind::kUsage, fmt::format("no event is called '{}'; there are: {}, syscall, mem_access",
                                             name, fmt::join(known, ", ")));
}

std::vector<const EventInfo*> select_events(const std::vector<std::string>& names) {
  std::vector<const EventInfo*> selected;
  const auto add = [&](const EventInfo* info) {
    if (std::find(selected.begin(), selected.end(), info) == selected.end()) {
      selected.push_back(info);
    }
  };
  for (const std::string& name : names) {
    if (name == "syscall") {
      add(find_event("syscall_enter"));
      add(find_event("syscall_exit"));
    } else if (name == "mem_access") {
      add(find_machine_event("mem_read"));
      add(find_machine_event("mem_write"));
    } else if (const EventInfo* info = find_event(name)) {
      add(info);
    } else if (const EventInfo* of_machine = find_machine_event(name)) {
      add(of_machine);
    } else {
      no_such_event(name);
    }
  }
  return selected;
}

constexpr std::uint64_t kNone = UINT64_MAX;

}  // namespace

std::uint32_t RowOrder::row_at(std::size_t at) const {
  const std::uint8_t table = table_of_[at];
  const std::size_t sample = at / kStride;
  const auto begin = table_of_.begin() + static_cast<std::ptrdiff_t>(sample * kStride);
  const auto since = std::count(begin, table_of_.begin() + static_cast<std::ptrdiff_t>(at), table);
  return samples_[sample * counts_.size() + table] + static_cast<std::uint32_t>(since);
}

void RowOrder::clear() {
  table_of_.clear();
  samples_.clear();
  std::fill(counts_.begin(), counts_.end(), 0);
}

EventRecorder::EventRecorder(const std::vector<std::string>& names, const std::vector<FieldFilter>& filters,
                             MachineFilter of_machine, std::size_t limit_rows)
    : range_(of_machine.range),
      holds_(std::move(of_machine.holds)),
      limit_rows_(std::min<std::size_t>(limit_rows, UINT32_MAX)) {
  table_of_machine_.fill(-1);
  if (range_.last < range_.first) {
    throw Error(ErrorKind::kUsage, "a range of addresses ends before it begins; give the lower one first");
  }
  for (const EventInfo* info : select_events(names)) {
    add_table(info);
  }
  order_ = RowOrder(tables_.size());
  for (const FieldFilter& filter : filters) {
    bool used = false;
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      const int field = tables_[i].info->field(filter.field);
      if (field >= 0) {
        tests_[i].push_back({static_cast<std::size_t>(field), filter.value});
        used = true;
      }
    }
    if (!used) {
      throw Error(ErrorKind::kUsage,
                  fmt::format("none of the recorded events has a field '{}'", filter.field));
    }
  }
}

void EventRecorder::add_table(const EventInfo* info) {
  const auto id = static_cast<std::size_t>(info->id);
  const auto first = static_cast<std::size_t>(MachineEventId::kInsn);
  if (id >= first) {
    table_of_machine_[id - first] = static_cast<int>(tables_.size());
  } else {
    if (table_of_event_.size() <= id) {
      table_of_event_.resize(id + 1, -1);
    }
    table_of_event_[id] = static_cast<int>(tables_.size());
  }
  tables_.push_back(
      {info, Column(limit_rows_), std::vector<Column>(info->fields.size(), Column(limit_rows_))});
  tests_.emplace_back();
}

Watchpoint EventRecorder::watchpoint() const {
  const bool reads = records(MachineEventId::kMemRead);
  const bool writes = records(MachineEventId::kMemWrite);
  const std::uint64_t span = range_.last - range_.first;
  return {range_.first, span == UINT64_MAX ? span : span + 1,
          reads && writes ? WatchKind::kAccess
          : reads         ? WatchKind::kRead
                          : WatchKind::kWrite};
}

ObservedSet EventRecorder::observed() const {
  ObservedSet wanted;
  for (const MachineEventId id :
       {MachineEventId::kWalk, MachineEventId::kTlbFill, MachineEventId::kTlbEvict, MachineEventId::kFence}) {
    wanted = records(id) ? wanted | Observed::kMmu : wanted;
  }
  wanted = records(MachineEventId::kTrap) ? wanted | Observed::kTrap : wanted;
  wanted = records(MachineEventId::kInterrupt) ? wanted | Observed::kInterrupt : wanted;
  return records(MachineEventId::kSbi) ? wanted | Observed::kSbi : wanted;
}

void EventRecorder::attach(Machine& machine) {
  if (!table_of_event_.empty()) {
    machine.add_sink(this);
  }
  if (!observed().empty()) {
    machine.add_observer(this, observed());
  }
  if (records(MachineEventId::kMemRead) || records(MachineEventId::kMemWrite)) {
    machine.add_access_sink(this, watchpoint());
  }
  if (records(MachineEventId::kInsn)) {
    machine.add_insn_sink(this);
  }
}

void EventRecorder::detach(Machine& machine) {
  machine.remove_sink(this);
  machine.remove_observer(this);
  machine.remove_access_sink(this);
  machine.remove_insn_sink(this);
}

void EventRecorder::on_event(const TraceEvent& event) {
  const auto id = static_cast<std::size_t>(event.id);
  if (id < table_of_event_.size() && table_of_event_[id] >= 0) {
    keep(table_of_event_[id], event.icount, event.args);
  }
}

/// The one that there may be very many of.
void EventRecorder::on_insns(std::span<const InsnPlace> insns) {
  if (!holds()) return;
  const int index = table_of(MachineEventId::kInsn);
  if (tables_.size() != 1 || !tests_[0].empty()) {
    for (const InsnPlace& insn : insns) {
      if (in_range(insn.pc, 1)) keep(index, insn.icount, {&insn.pc, 1});
    }
    return;
  }
  Table& table = tables_[0];
  const std::size_t before = table.rows();
  const std::size_t room = std::min(insns.size(), limit_rows_ - std::min(limit_rows_, before));
  std::uint64_t* const icount = table.icount.extend(room);
  std::uint64_t* const pc = table.args[0].extend(room);
  std::size_t kept = 0;
  for (const InsnPlace& insn : insns) {
    if (insn.pc - range_.first > range_.last - range_.first) continue;
    if (kept == room) {
      ++dropped_;
      continue;
    }
    icount[kept] = insn.icount;
    pc[kept++] = insn.pc;
  }
  table.icount.shrink_to(before + kept);
  table.args[0].shrink_to(before + kept);
}

namespace {

constexpr std::size_t kPiece = 512;

/// Numbers of those of a piece that go into one table.
struct Picked {
  std::array<std::uint16_t, kPiece> numbers;
  std::size_t count = 0;
};

/// Column by column, as memory likes it.
void append(EventRecorder::Table& table, std::span<const AccessPlace> from, const Picked& picked) {
  if (picked.count == 0) return;
  const auto fill = [&](Column& column, auto&& field) {
    std::uint64_t* const out = column.extend(picked.count);
    for (std::size_t i = 0; i < picked.count; ++i) out[i] = field(from[picked.numbers[i]]);
  };
  fill(table.icount, [](const AccessPlace& a) { return a.icount; });
  fill(table.args[0], [](const AccessPlace& a) { return a.pc; });
  fill(table.args[1], [](const AccessPlace& a) { return a.address; });
  fill(table.args[2], [](const AccessPlace& a) -> std::uint64_t { return a.size_bytes; });
  fill(table.args[3], [](const AccessPlace& a) { return a.value; });
}

}  // namespace

/// There may be as many of these.
void EventRecorder::on_accesses(std::span<const AccessPlace> accesses) {
  if (!holds()) return;
  while (!accesses.empty()) {
    const auto piece = accesses.first(std::min(accesses.size(), kPiece));
    keep_accesses(piece);
    accesses = accesses.subspan(piece.size());
  }
}

void EventRecorder::keep_accesses(std::span<const AccessPlace> accesses) {
  const int table_of_kind[] = {table_of(MachineEventId::kMemRead), table_of(MachineEventId::kMemWrite)};
  std::size_t left = limit_rows_ - std::min(limit_rows_, size());
  const bool several = tables_.size() > 1;
  const bool tested =
      std::any_of(tests_.begin(), tests_.end(), [](const auto& tests) { return !tests.empty(); });
  Picked picked[2];
  for (std::size_t i = 0; i < accesses.size(); ++i) {
    const AccessPlace& access = accesses[i];
    const int table = table_of_kind[access.is_store ? 1 : 0];
    if (table < 0 || !in_range(access.address, access.size_bytes)) continue;
    if (tested) {
      const std::uint64_t args[] = {access.pc, access.address, access.size_bytes, access.value};
      if (!passes(table, args)) continue;
    }
    if (left == 0) {
      ++dropped_;
      continue;
    }
    --left;
    Picked& mine = picked[access.is_store ? 1 : 0];
    mine.numbers[mine.count++] = static_cast<std::uint16_t>(i);
    if (several) order_.add(static_cast<std::size_t>(table));
  }
  for (std::size_t kind = 0; kind < 2; ++kind) {
    if (table_of_kind[kind] >= 0) {
      append(tables_[static_cast<std::size_t>(table_of_kind[kind])], accesses, picked[kind]);
    }
  }
}

void EventRecorder::on_trap(const TrapEvent& event) {
  keep(MachineEventId::kTrap, event.at.icount, {event.at.pc, event.cause, event.tval, event.handler});
}

void EventRecorder::on_interrupt(const TrapEvent& event) {
  constexpr std::uint64_t kFlag = std::uint64_t{1} << 63;
  keep(MachineEventId::kInterrupt, event.at.icount, {event.at.pc, event.cause & ~kFlag, event.handler});
}

void EventRecorder::on_mmu(const MmuEvent& event) {
  const std::uint64_t va = event.va.value_or(kNone);
  const std::uint64_t asid = event.asid.value_or(0xffff);
  if (event.va && !in_range(va, std::max<std::uint64_t>(event.page_bytes, 1))) {
    return;
  }
  switch (event.kind) {
    case MmuEvent::Kind::kWalk:
      return keep(MachineEventId::kWalk, event.at.icount,
                  {event.at.pc, va, asid, static_cast<std::uint64_t>(event.access), event.steps,
                   event.fault.empty() ? event.physical_address : kNone, event.page_bytes});
    case MmuEvent::Kind::kFill:
      return keep(MachineEventId::kTlbFill, event.at.icount,
                  {event.at.pc, va, asid, event.physical_address, event.page_bytes});
    case MmuEvent::Kind::kEvict:
      return keep(MachineEventId::kTlbEvict, event.at.icount,
                  {event.at.pc, va, asid, event.physical_address, event.page_bytes});
    case MmuEvent::Kind::kFence:
      return keep(MachineEventId::kFence, event.at.icount, {event.at.pc, va, asid});
  }
}

void EventRecorder::on_sbi(const SbiEvent& event) {
  keep(MachineEventId::kSbi, event.at.icount,
       {event.at.pc, event.extension, event.function, event.args[0], event.args[1], event.args[2],
        event.error, event.value});
}

bool EventRecorder::in_range(std::uint64_t address, std::uint64_t bytes) const {
  return address <= range_.last && address + (bytes - 1) >= range_.first;
}

void EventRecorder::keep(MachineEventId id, std::uint64_t icount, std::initializer_list<std::uint64_t> args) {
  if (records(id) && holds()) {
    keep(table_of(id), icount, {args.begin(), args.size()});
  }
}

bool EventRecorder::passes(int table, std::span<const std::uint64_t> args) const {
  const std::vector<Test>& tests = tests_[static_cast<std::size_t>(table)];
  return std::all_of(tests.begin(), tests.end(),
                     [args](const Test& test) { return args[test.arg] == test.value; });
}

void EventRecorder::keep(int index, std::uint64_t icount, std::span<const std::uint64_t> args) {
  if (!passes(index, args)) {
    return;
  }
  if (size() >= limit_rows_) {
    ++dropped_;
    return;
  }
  Table& table = tables_[static_cast<std::size_t>(index)];
  if (tables_.size() > 1) {
    order_.add(static_cast<std::size_t>(index));
  }
  table.icount.push_back(icount);
  for (std::size_t i = 0; i < table.args.size(); ++i) {
    table.args[i].push_back(args[i]);
  }
}

void EventRecorder::clear() {
  for (Table& table : tables_) {
    table.icount.clear();
    for (auto& column : table.args) {
      column.clear();
    }
  }
  order_.clear();
  dropped_ = 0;
}

}  // namespace quire
