// Records chosen events in columns, natively, so that frequent ones can be kept and looked at later.
//
// Invariant: row i of `order` names the table and the row there of the i-th event recorded; every column
// of a table has the same length.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quire/trace_names.h"
#include "quire/trace_sink.h"

namespace quire {

/// An event is kept only when each of its fields that a filter names has that value. Events without the field
/// pass.
struct FieldFilter {
  std::string field;
  std::uint64_t value;
};

class EventRecorder : public TraceSink {
 public:
  /// The events of one kind.
  struct Table {
    const EventInfo* info;
    std::vector<std::uint64_t> icount;
    std::vector<std::uint8_t> hart;
    std::vector<std::vector<std::uint64_t>> args;  ///< one a field of `info`
    std::size_t rows() const { return icount.size(); }
  };
  struct Row {
    std::uint32_t table;
    std::uint32_t row;
  };

  /// Throws Error(kUsage) for a name that no event has, or a filter on a field that none of them has.
  /// "syscall" stands for syscall_enter and syscall_exit. At most `limit_rows` are kept; those beyond are
  /// counted as dropped.
  EventRecorder(const std::vector<std::string>& names, const std::vector<FieldFilter>& filters,
                std::size_t limit_rows = kDefaultLimitRows);

  static constexpr std::size_t kDefaultLimitRows = 100'000'000;

  void on_event(const TraceEvent& event) override;

  std::size_t size() const { return order_.size(); }
  std::uint64_t dropped() const { return dropped_; }
  const std::vector<Table>& tables() const { return tables_; }
  const std::vector<Row>& order() const { return order_; }
  void clear();

 private:
  struct Test {
    std::size_t arg;
    std::uint64_t value;
  };

  std::vector<Table> tables_;
  std::vector<std::vector<Test>> tests_;  ///< as tables_
  std::vector<int> table_of_id_;          ///< -1: not recorded
  std::vector<Row> order_;
  std::size_t limit_rows_;
  std::uint64_t dropped_ = 0;
};

}  // namespace quire
