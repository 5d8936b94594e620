#include "emu/machine/event_queue.h"

namespace quire {

Clock::EventId EventQueue::schedule(std::uint64_t deadline_ns, std::function<void()> action) {
  const EventId id = ++last_id_;
  events_.emplace(Key{deadline_ns, id}, std::move(action));
  deadlines_.emplace(id, deadline_ns);
  on_schedule_(deadline_ns);
  return id;
}

std::uint64_t EventQueue::deadline_ns(EventId event) const {
  const auto found = deadlines_.find(event);
  return found == deadlines_.end() ? 0 : found->second;
}

void EventQueue::schedule_again(EventId event, std::uint64_t deadline_ns, std::function<void()> action) {
  events_.emplace(Key{deadline_ns, event}, std::move(action));
  deadlines_.emplace(event, deadline_ns);
}

void EventQueue::transfer(StateArchive& archive) {
  archive(idle_ns_, last_id_);
  if (archive.loading()) {
    events_.clear();
    deadlines_.clear();
  }
}

void EventQueue::cancel(EventId event) {
  const auto found = deadlines_.find(event);
  if (found != deadlines_.end()) {
    events_.erase(Key{found->second, event});
    deadlines_.erase(found);
  }
}

std::optional<std::uint64_t> EventQueue::next_deadline_ns() const {
  if (events_.empty()) {
    return std::nullopt;
  }
  return events_.begin()->first.first;
}

void EventQueue::run_due() {
  const std::uint64_t now = now_ns();
  while (!events_.empty() && events_.begin()->first.first <= now) {
    auto node = events_.extract(events_.begin());
    deadlines_.erase(node.key().second);
    node.mapped()();
  }
}

void EventQueue::skip_to(std::uint64_t deadline_ns) {
  const std::uint64_t now = now_ns();
  if (deadline_ns > now) {
    idle_ns_ += deadline_ns - now;
  }
}

}  // namespace quire
