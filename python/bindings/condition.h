// Condition: an event of the supervisor whose fields have given values, or a text that the guest has written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "quire/process_table.h"
#include "quire/recorder.h"

namespace quire::python {

class Condition {
 public:
  /// Throws Error(kUsage) for an event or a field that does not exist.
  Condition(const std::string& event, const std::vector<FieldFilter>& fields);
  /// `text` on the stream "stdout", "stderr" or "uart", from an offset on.
  static Condition of_text(const std::string& stream, const std::string& text, std::uint64_t offset);
  struct Text {
    std::string stream;
    std::string text;
    std::uint64_t offset;
  };
  const std::optional<Text>& text() const { return text_; }

  bool matches(const TraceEvent& event) const;
  /// Whether it is the end of a process that has ended: that stays true.
  bool holds_already(const ProcessTable& processes) const;
  std::string describe() const;

 private:
  Condition() = default;

  const EventInfo* info_ = nullptr;  ///< null: it is a text
  std::optional<Text> text_;
  std::vector<FieldFilter> fields_;
  std::vector<std::size_t> columns_;  ///< as fields_
};

}  // namespace quire::python
