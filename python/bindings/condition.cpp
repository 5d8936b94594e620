#include "python/bindings/condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "quire/error.h"

namespace quire::python {
namespace {

/// As people write it: what names a process, a call or a signal, or counts, in decimal.
std::string value_text(const FieldFilter& field) {
  constexpr std::string_view kDecimal[] = {"pid",   "child", "prev",  "next", "nr",
                                           "signo", "token", "inode", "index"};
  if (field.field == "nr" && !syscall_name(field.value).empty()) {
    return std::string(syscall_name(field.value));
  }
  const bool decimal = std::find(std::begin(kDecimal), std::end(kDecimal), field.field) != std::end(kDecimal);
  return decimal ? fmt::format("{}", field.value) : fmt::format("{:#x}", field.value);
}

}  // namespace

Condition::Condition(const std::string& event, const std::vector<FieldFilter>& fields)
    : info_(find_event(event)), fields_(fields) {
  if (info_ == nullptr) {
    throw Error(ErrorKind::kUsage, fmt::format("no event is called '{}'; quire.EVENTS lists them", event));
  }
  for (const FieldFilter& field : fields_) {
    const int column = info_->field(field.field);
    if (column < 0) {
      throw Error(ErrorKind::kUsage, fmt::format("event '{}' has no field '{}'", event, field.field));
    }
    columns_.push_back(static_cast<std::size_t>(column));
  }
}

Condition Condition::of_text(const std::string& stream, const std::string& text, std::uint64_t offset) {
  if (text.empty()) {
    throw Error(ErrorKind::kUsage, "an empty text cannot be waited for");
  }
  Condition condition;
  condition.text_ = {stream, text, offset};
  return condition;
}

bool Condition::matches(const TraceEvent& event) const {
  if (info_ == nullptr || event.id != info_->id) {
    return false;
  }
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (event.args[columns_[i]] != fields_[i].value) {
      return false;
    }
  }
  return true;
}

bool Condition::holds_already(const ProcessTable& processes) const {
  if (info_ == nullptr || info_->id != arch::TraceEventId::k_exit || fields_.size() != 1 ||
      fields_[0].field != "pid") {
    return false;
  }
  const ProcessInfo* process = processes.find(static_cast<int>(fields_[0].value));
  return process != nullptr && process->exited;
}

std::string Condition::describe() const {
  if (text_) {
    return fmt::format("text '{}' on {}", text_->text, text_->stream);
  }
  std::string text(info_->name);
  text += '(';
  for (const FieldFilter& field : fields_) {
    text += fmt::format("{}{}={}", &field == fields_.data() ? "" : ", ", field.field, value_text(field));
  }
  return text.append(")");
}

}  // namespace quire::python
