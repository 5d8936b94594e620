// Virtual time and what is due when.
//
// Virtual time is the instruction count plus the time that waiting harts skipped, in nanoseconds; it
// never depends on the host. Events of one moment run in the order they were scheduled.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "quire/state_archive.h"

namespace quire {

class EventQueue final : public Clock {
 public:
  /// `icount` is read whenever the time is; `on_schedule` is called with the deadline of each new event, so
  /// that a run in progress can end in time for it.
  EventQueue(std::function<std::uint64_t()> icount, std::function<void(std::uint64_t)> on_schedule)
      : icount_(std::move(icount)), on_schedule_(std::move(on_schedule)) {}

  std::uint64_t now_ns() const override { return icount_() + idle_ns_; }
  EventId schedule(std::uint64_t deadline_ns, std::function<void()> action) override;
  void cancel(EventId event) override;
  /// 0 for one that does not wait: while a state is loaded, owners still hold what transfer() has forgotten.
  std::uint64_t deadline_ns(EventId event) const override;
  void schedule_again(EventId event, std::uint64_t deadline_ns, std::function<void()> action) override;
  /// Its own state. Loading forgets every event; those who had some take them up again.
  void transfer(StateArchive& archive);

  /// When the first event is due; nothing when none is.
  std::optional<std::uint64_t> next_deadline_ns() const;
  /// Runs every event that is due, those included that they schedule for now.
  void run_due();
  /// Lets time pass without instructions; `deadline_ns` in the past changes nothing.
  void skip_to(std::uint64_t deadline_ns);
  std::uint64_t idle_ns() const { return idle_ns_; }

 private:
  using Key = std::pair<std::uint64_t, EventId>;  // deadline, then order of scheduling

  std::function<std::uint64_t()> icount_;
  std::function<void(std::uint64_t)> on_schedule_;
  std::uint64_t idle_ns_ = 0;
  EventId last_id_ = 0;
  std::map<Key, std::function<void()>> events_;
  std::unordered_map<EventId, std::uint64_t> deadlines_;
};

}  // namespace quire
