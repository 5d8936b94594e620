// What watches the supervisor's events: recorder, counters, process table, names.
#include <gtest/gtest.h>

#include "quire/error.h"
#include "quire/event_counters.h"
#include "quire/process_table.h"
#include "quire/recorder.h"

namespace quire {
namespace {

using arch::FaultKind;
using arch::TraceEventId;

TraceEvent make_event(TraceEventId id, std::uint64_t icount, std::initializer_list<std::uint64_t> args) {
  TraceEvent event{id, 0, static_cast<std::uint8_t>(args.size()), icount, {}};
  std::copy(args.begin(), args.end(), event.args.begin());
  return event;
}

TraceEvent fault(std::uint64_t icount, std::uint64_t pid, std::uint64_t va, FaultKind kind) {
  return make_event(TraceEventId::k_page_fault, icount,
                    {pid, va, 1, static_cast<std::uint64_t>(kind), 0, 0, 0, 0});
}

TEST(TraceNames, FieldsComeFromTheTable) {
  const EventInfo* info = find_event("page_fault");
  ASSERT_NE(info, nullptr);
  EXPECT_EQ(info->id, TraceEventId::k_page_fault);
  EXPECT_EQ(info->fields.size(), 8U);
  EXPECT_EQ(info->field("va"), 1);
  EXPECT_EQ(info->field("nonsense"), -1);
  EXPECT_EQ(find_event("nonsense"), nullptr);
  EXPECT_EQ(fault_kind_name(static_cast<std::uint64_t>(FaultKind::k_cow_copy)), "cow_copy");
  EXPECT_EQ(fault_kind_name(999), "");
  EXPECT_EQ(syscall_name(64), "write");
  EXPECT_EQ(errno_name(2), "ENOENT");
  EXPECT_EQ(signal_name(11), "SIGSEGV");
}

std::vector<std::uint64_t> numbers(const Column& column) {
  return {column.data(), column.data() + column.size()};
}

TEST(EventRecorder, KeepsOrderAcrossTablesAndLeavesOthersOut) {
  EventRecorder recorder({"page_fault", "fork"}, {});
  recorder.on_event(fault(10, 2, 0x1000, FaultKind::k_anon));
  recorder.on_event(make_event(TraceEventId::k_exec, 11, {2, 5, 6, 7, 8}));
  recorder.on_event(make_event(TraceEventId::k_fork, 12, {2, 3, 99, 0}));
  recorder.on_event(fault(13, 3, 0x2000, FaultKind::k_cow_copy));
  ASSERT_EQ(recorder.size(), 3U);
  EXPECT_EQ(recorder.row_at(1).table, 1U);
  EXPECT_EQ(recorder.row_at(2).row, 1U);
  const auto& faults = recorder.tables()[0];
  EXPECT_EQ(numbers(faults.icount), (std::vector<std::uint64_t>{10, 13}));
  EXPECT_EQ(numbers(faults.args[1]), (std::vector<std::uint64_t>{0x1000, 0x2000}));
  recorder.clear();
  EXPECT_EQ(recorder.size(), 0U);
  EXPECT_EQ(faults.rows(), 0U);
}

TEST(EventRecorder, FiltersOnlyEventsThatHaveTheField) {
  EventRecorder recorder({"page_fault", "fork"}, {{"va", 0x1000}});
  recorder.on_event(fault(1, 2, 0x1000, FaultKind::k_anon));
  recorder.on_event(fault(2, 2, 0x2000, FaultKind::k_anon));
  recorder.on_event(make_event(TraceEventId::k_fork, 3, {2, 3, 99, 0}));
  EXPECT_EQ(recorder.size(), 2U);
}

TEST(Column, KeepsItsPlaceAsItGrowsAndIsSharedBeyondClear) {
  Column column(10'000'000);
  column.push_back(7);
  const std::uint64_t* const place = column.data();
  for (std::uint64_t i = 1; i < 9'000'000; i += 1000) {
    std::uint64_t* const fresh = column.extend(1000);
    for (std::uint64_t k = 0; k < 1000; ++k) fresh[k] = i + k;
  }
  EXPECT_EQ(column.data(), place);
  EXPECT_EQ(column[8'000'000], 8'000'000U);
  column.shrink_to(5);
  const auto kept = column.storage();
  column.clear();
  EXPECT_TRUE(column.empty());
  column.push_back(8);
  EXPECT_EQ(place[0], 7U);
  EXPECT_EQ(column[0], 8U);
}

TEST(Column, RefusesWhatIsBeyondItsLimitOrNoAddressCanSay) {
  Column small(3);
  small.extend(3);
  EXPECT_THROW(small.push_back(1), std::bad_alloc);
  Column absurd(SIZE_MAX / sizeof(std::uint64_t) + 2);  // whose bytes wrap around to 8
  EXPECT_THROW(absurd.push_back(1), std::bad_alloc);
}

TEST(RowOrder, KnowsTheRowOfEachTableAtAnyPlace) {
  RowOrder order(3);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> expected;
  std::uint32_t rows[3] = {};
  for (std::uint32_t i = 0; i < 2000; ++i) {
    const std::uint32_t table = i * i % 7 % 3;
    order.add(table);
    expected.emplace_back(table, rows[table]++);
  }
  for (std::size_t at = 0; at < expected.size(); ++at) {
    ASSERT_EQ(std::pair(order.table_at(at), order.row_at(at)), expected[at]) << at;
  }
  order.clear();
  order.add(2);
  EXPECT_EQ(order.row_at(0), 0U);
}

TEST(EventRecorder, CountsWhatItHasNoRoomFor) {
  EventRecorder recorder({"page_fault"}, {}, {}, 2);
  for (int i = 0; i < 5; ++i) {
    recorder.on_event(fault(1, 2, 0, FaultKind::k_anon));
  }
  EXPECT_EQ(recorder.size(), 2U);
  EXPECT_EQ(recorder.dropped(), 3U);
}

TEST(EventRecorder, RefusesNamesThatDoNotExist) {
  EXPECT_THROW(EventRecorder({"nonsense"}, {}), Error);
  EXPECT_THROW(EventRecorder({"fork"}, {{"va", 1}}), Error);
}

TEST(EventRecorder, SyscallStandsForBothEnds) {
  const EventRecorder recorder({"syscall", "syscall_exit"}, {});
  ASSERT_EQ(recorder.tables().size(), 2U);
  EXPECT_EQ(recorder.tables()[0].info->name, "syscall_enter");
}

TEST(EventCounters, SignalsAreNeitherMinorNorMajor) {
  EventCounters counters;
  for (const FaultKind kind :
       {FaultKind::k_anon, FaultKind::k_cow_copy, FaultKind::k_segv_maperr, FaultKind::k_file_major}) {
    counters.on_event(fault(1, 2, 0, kind));
  }
  EXPECT_EQ(counters.minor_faults(), 2U);
  EXPECT_EQ(counters.major_faults(), 1U);
  EXPECT_EQ(counters.events(TraceEventId::k_page_fault), 4U);
}

TEST(EventCounters, NumbersOfAForeignGuestAreHarmless) {
  EventCounters counters;
  counters.on_event(make_event(static_cast<TraceEventId>(65535), 1, {}));
  counters.on_event(make_event(TraceEventId::k_page_fault, 1, {0, 0, 0, ~std::uint64_t{0}, 0, 0, 0, 0}));
  EXPECT_EQ(counters.events(TraceEventId::k_page_fault), 1U);
}

TEST(ProcessTable, FollowsAProcessFromSpawnToExit) {
  ProcessTable table;
  table.on_event(make_event(TraceEventId::k_spawn, 5, {0, 2, 0x10}));
  table.on_event(make_event(TraceEventId::k_exec, 6, {2, 0x11, 0, 0x6f6c6c6568, 0}));
  ASSERT_NE(table.main_program(), nullptr);
  EXPECT_EQ(table.main_program()->comm, "hello");
  EXPECT_EQ(table.find(2)->satp, 0x11U);
  table.on_event(make_event(TraceEventId::k_fork, 7, {2, 3, 0x12, 0}));
  EXPECT_EQ(table.find(3)->parent, 2);
  EXPECT_EQ(table.find(3)->comm, "hello");
  table.on_event(make_event(TraceEventId::k_context_switch, 8, {2, 3, 0x22}));
  EXPECT_EQ(table.find(3)->satp, 0x22U);
  table.on_event(make_event(TraceEventId::k_exit, 9, {3, 7 << 8}));
  EXPECT_EQ(table.find(3)->exit_code(), 7);
  EXPECT_EQ(table.find(3)->satp, 0U);
  table.on_event(make_event(TraceEventId::k_exit, 10, {2, 11 | 0x80}));
  EXPECT_EQ(table.main_program()->term_signal(), 11);
}

TEST(ProcessTable, ReusedPidIsANewProcess) {
  ProcessTable table;
  table.on_event(make_event(TraceEventId::k_fork, 1, {2, 3, 0x12, 0}));
  table.on_event(make_event(TraceEventId::k_exit, 2, {3, 0}));
  table.on_event(make_event(TraceEventId::k_fork, 3, {2, 3, 0x13, 0}));
  EXPECT_FALSE(table.find(3)->exited);
  EXPECT_EQ(table.find(3)->satp, 0x13U);
}

TEST(ProcessTable, SwitchToAnUnknownThreadMakesNoProcess) {
  ProcessTable table;
  table.on_event(make_event(TraceEventId::k_context_switch, 1, {0, 77, 0x22}));
  EXPECT_EQ(table.find(77), nullptr);
}

}  // namespace
}  // namespace quire
