#include "emu/machine/event_queue.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "emu/machine/state_archives.h"

namespace quire {
namespace {

class EventQueueTest : public testing::Test {
 protected:
  std::uint64_t icount_ = 0;
  std::vector<std::uint64_t> announced_;
  EventQueue queue_{[this] { return icount_; },
                    [this](std::uint64_t deadline) { announced_.push_back(deadline); }};
  std::string trace_;

  std::function<void()> mark(char letter) {
    return [this, letter] { trace_ += letter; };
  }
};

TEST_F(EventQueueTest, RunsByDeadlineThenByOrderOfScheduling) {
  queue_.schedule(20, mark('c'));
  queue_.schedule(10, mark('a'));
  queue_.schedule(10, mark('b'));
  icount_ = 20;
  queue_.run_due();
  EXPECT_EQ(trace_, "abc");
}

TEST_F(EventQueueTest, NothingRunsBeforeItsTime) {
  queue_.schedule(10, mark('a'));
  icount_ = 9;
  queue_.run_due();
  EXPECT_EQ(trace_, "");
  EXPECT_EQ(queue_.next_deadline_ns(), 10U);
}

TEST_F(EventQueueTest, CancelledEventsNeverRun) {
  const auto event = queue_.schedule(10, mark('a'));
  queue_.cancel(event);
  queue_.cancel(event);
  queue_.cancel(999);
  icount_ = 10;
  queue_.run_due();
  EXPECT_EQ(trace_, "");
  EXPECT_EQ(queue_.next_deadline_ns(), std::nullopt);
}

TEST_F(EventQueueTest, AnEventMayScheduleAnotherForNowAndCancelOthers) {
  Clock::EventId doomed = 0;
  queue_.schedule(5, [&] {
    trace_ += 'a';
    queue_.cancel(doomed);
    queue_.schedule(0, mark('b'));
  });
  doomed = queue_.schedule(5, mark('x'));
  icount_ = 5;
  queue_.run_due();
  EXPECT_EQ(trace_, "ab");
}

TEST_F(EventQueueTest, IdleTimeCountsAsTime) {
  icount_ = 7;
  queue_.skip_to(100);
  EXPECT_EQ(queue_.now_ns(), 100U);
  EXPECT_EQ(queue_.idle_ns(), 93U);
  queue_.skip_to(50);
  EXPECT_EQ(queue_.now_ns(), 100U);
  ++icount_;
  EXPECT_EQ(queue_.now_ns(), 101U);
}

TEST_F(EventQueueTest, AStateIsLoadedOverEventsThatWait) {
  std::optional<Clock::EventId> event = queue_.schedule(30, mark('a'));
  SaveArchive saved;
  queue_.transfer(saved);
  saved.event(queue_, event, mark('a'));
  const auto state = saved.take();
  event = queue_.schedule(50, mark('x'));  // by now its owner waits for something else
  LoadArchive loaded(state, "test");
  queue_.transfer(loaded);
  loaded.event(queue_, event, mark('b'));
  loaded.finish();
  EXPECT_EQ(queue_.next_deadline_ns(), 30U);
  icount_ = 60;
  queue_.run_due();
  EXPECT_EQ(trace_, "b");
}

TEST_F(EventQueueTest, AnnouncesEachDeadline) {
  queue_.schedule(30, mark('a'));
  queue_.schedule(10, mark('b'));
  EXPECT_EQ(announced_, (std::vector<std::uint64_t>{30, 10}));
}

}  // namespace
}  // namespace quire
