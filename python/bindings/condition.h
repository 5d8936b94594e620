// Condition: an event of the supervisor whose fields have given values.
#pragma once

#include <string>
#include <vector>

#include "quire/process_table.h"
#include "quire/recorder.h"

namespace quire::python {

class Condition {
 public:
  /// Throws Error(kUsage) for an event or a field that does not exist.
  Condition(const std::string& event, const std::vector<FieldFilter>& fields);
  bool matches(const TraceEvent& event) const;
  /// Whether it is the end of a process that has ended: that stays true.
  bool holds_already(const ProcessTable& processes) const;
  std::string describe() const;

 private:
  const EventInfo* info_;
  std::vector<FieldFilter> fields_;
  std::vector<std::size_t> columns_;  ///< as fields_
};

}  // namespace quire::python
