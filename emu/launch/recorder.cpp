// Recording events in columns; see quire/recorder.h.
#include "quire/recorder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "quire/error.h"

namespace quire {
namespace {

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
    } else if (const EventInfo* info = find_event(name)) {
      add(info);
    } else {
      std::vector<std::string_view> known;
      for (const EventInfo& event : event_table()) {
        known.push_back(event.name);
      }
      throw Error(ErrorKind::kUsage, fmt::format("no event is called '{}'; there are: {}, syscall", name,
                                                 fmt::join(known, ", ")));
    }
  }
  return selected;
}

}  // namespace

EventRecorder::EventRecorder(const std::vector<std::string>& names, const std::vector<FieldFilter>& filters,
                             std::size_t limit_rows)
    : limit_rows_(std::min<std::size_t>(limit_rows, UINT32_MAX)) {
  for (const EventInfo* info : select_events(names)) {
    const auto id = static_cast<std::size_t>(info->id);
    if (table_of_id_.size() <= id) {
      table_of_id_.resize(id + 1, -1);
    }
    table_of_id_[id] = static_cast<int>(tables_.size());
    tables_.push_back({info, {}, {}, std::vector<std::vector<std::uint64_t>>(info->fields.size())});
    tests_.emplace_back();
  }
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

void EventRecorder::on_event(const TraceEvent& event) {
  const auto id = static_cast<std::size_t>(event.id);
  if (id >= table_of_id_.size() || table_of_id_[id] < 0) {
    return;
  }
  const auto index = static_cast<std::uint32_t>(table_of_id_[id]);
  for (const Test& test : tests_[index]) {
    if (event.args[test.arg] != test.value) {
      return;
    }
  }
  if (order_.size() >= limit_rows_) {
    ++dropped_;
    return;
  }
  Table& table = tables_[index];
  order_.push_back({index, static_cast<std::uint32_t>(table.rows())});
  table.icount.push_back(event.icount);
  table.hart.push_back(event.hart);
  for (std::size_t i = 0; i < table.args.size(); ++i) {
    table.args[i].push_back(event.args[i]);
  }
}

void EventRecorder::clear() {
  for (Table& table : tables_) {
    table.icount.clear();
    table.hart.clear();
    for (auto& column : table.args) {
      column.clear();
    }
  }
  order_.clear();
  dropped_ = 0;
}

}  // namespace quire
