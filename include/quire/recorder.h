// Records chosen events in columns, natively, so that frequent ones can be kept and looked at later.
//
// Invariant: the i-th event recorded is row row_at(i).row of table row_at(i).table; every column of a table
// has the same length.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "quire/column.h"
#include "quire/machine.h"
#include "quire/observer.h"
#include "quire/trace_names.h"
#include "quire/trace_sink.h"

namespace quire {

/// An event is kept only when each of its fields that a filter names has that value. Events without the field
/// pass.
struct FieldFilter {
  std::string field;
  std::uint64_t value;
};

/// Virtual addresses, both ends included: of instructions, accesses and pages.
struct AddressRange {
  std::uint64_t first = 0, last = UINT64_MAX;
};

/// Which of the machine's events are kept.
struct MachineFilter {
  AddressRange range;
  std::function<bool()>
      holds;  ///< asked at the time of the event, when the machine may be read; empty: always
};

/// Which of several tables each row is in, in the order recorded: a byte a row.
class RowOrder {
 public:
  explicit RowOrder(std::size_t tables) : counts_(tables) {}
  std::size_t size() const { return table_of_.size(); }
  void add(std::size_t table) {
    if (table_of_.size() % kStride == 0) samples_.insert(samples_.end(), counts_.begin(), counts_.end());
    table_of_.push_back(static_cast<std::uint8_t>(table));
    ++counts_[table];
  }
  std::uint32_t table_at(std::size_t at) const { return table_of_[at]; }
  /// Number of the row in its table.
  std::uint32_t row_at(std::size_t at) const;
  void clear();

 private:
  static constexpr std::size_t kStride = 256;

  std::vector<std::uint8_t> table_of_;
  std::vector<std::uint32_t> samples_;  ///< rows of each table before each kStride-th
  std::vector<std::uint32_t> counts_;   ///< and by now
};

class EventRecorder : public TraceSink, private Observer, private InsnSink, private AccessSink {
 public:
  /// The events of one kind.
  struct Table {
    const EventInfo* info;
    Column icount;
    std::vector<Column> args;  ///< one a field of `info`
    std::size_t rows() const { return icount.size(); }
  };
  struct Row {
    std::uint32_t table;
    std::uint32_t row;
  };

  static constexpr std::size_t kDefaultLimitRows = 100'000'000;

  /// `names` are of the supervisor's events and the machine's. Throws Error(kUsage) for a name that no event
  /// has, or a filter on a field that none of them has. "syscall" stands for syscall_enter and syscall_exit,
  /// "mem_access" for mem_read and mem_write. At most `limit_rows` are kept; those beyond are counted as
  /// dropped.
  EventRecorder(const std::vector<std::string>& names, const std::vector<FieldFilter>& filters,
                MachineFilter of_machine = {}, std::size_t limit_rows = kDefaultLimitRows);
  ~EventRecorder() override = default;

  /// Records from now on; the machine must outlive that, and it must not run.
  void attach(Machine& machine);
  void detach(Machine& machine);

  void on_event(const TraceEvent& event) override;

  std::size_t size() const { return tables_.size() == 1 ? tables_[0].rows() : order_.size(); }
  std::uint64_t dropped() const { return dropped_; }
  const std::vector<Table>& tables() const { return tables_; }
  Row row_at(std::size_t at) const {
    return tables_.size() == 1 ? Row{0, static_cast<std::uint32_t>(at)}
                               : Row{order_.table_at(at), order_.row_at(at)};
  }
  void clear();

 private:
  struct Test {
    std::size_t arg;
    std::uint64_t value;
  };
  static constexpr std::size_t kMachineEvents = 16;

  void on_insns(std::span<const InsnPlace> insns) override;
  void on_accesses(std::span<const AccessPlace> accesses) override;
  void on_trap(const TrapEvent& event) override;
  void on_interrupt(const TrapEvent& event) override;
  void on_mmu(const MmuEvent& event) override;
  void on_sbi(const SbiEvent& event) override;

  void add_table(const EventInfo* info);
  bool records(MachineEventId id) const { return table_of(id) >= 0; }
  int table_of(MachineEventId id) const {
    return table_of_machine_[static_cast<std::size_t>(id) - static_cast<std::size_t>(MachineEventId::kInsn)];
  }
  Watchpoint watchpoint() const;
  ObservedSet observed() const;
  bool in_range(std::uint64_t address, std::uint64_t bytes) const;
  void keep_accesses(std::span<const AccessPlace> accesses);
  bool holds() const { return !holds_ || holds_(); }
  bool passes(int table, std::span<const std::uint64_t> args) const;
  void keep(int table, std::uint64_t icount, std::span<const std::uint64_t> args);
  void keep(MachineEventId id, std::uint64_t icount, std::initializer_list<std::uint64_t> args);

  std::vector<Table> tables_;
  std::vector<std::vector<Test>> tests_;  ///< as tables_
  std::vector<int> table_of_event_;       ///< by id; -1: not recorded
  std::array<int, kMachineEvents> table_of_machine_;
  AddressRange range_;
  std::function<bool()> holds_;
  RowOrder order_{0};  ///< with several tables
  std::size_t limit_rows_;
  std::uint64_t dropped_ = 0;
};

}  // namespace quire
