// Stand-ins for what a device acts through: a clock moved by hand, a line that remembers, plain RAM.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "emu/base/types.h"
#include "quire/byte_stream.h"
#include "quire/device.h"

namespace quire::testing {

class FakeClock final : public Clock {
 public:
  u64 now_ns() const override { return now_ns_; }
  EventId schedule(u64 deadline_ns, std::function<void()> action) override {
    events_[{deadline_ns, next_id_}] = std::move(action);
    return next_id_++;
  }
  void cancel(EventId event) override {
    std::erase_if(events_, [event](const auto& entry) { return entry.first.second == event; });
  }
  u64 deadline_ns(EventId event) const override {
    return std::find_if(events_.begin(), events_.end(),
                        [event](const auto& entry) { return entry.first.second == event; })
        ->first.first;
  }
  void schedule_again(EventId event, u64 deadline_ns, std::function<void()> action) override {
    events_[{deadline_ns, event}] = std::move(action);
  }

  void advance_to(u64 time_ns) {
    while (!events_.empty() && events_.begin()->first.first <= time_ns) {
      now_ns_ = std::max(now_ns_, events_.begin()->first.first);
      const auto action = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      action();
    }
    now_ns_ = time_ns;
  }
  std::size_t event_count() const { return events_.size(); }
  u64 next_deadline() const { return events_.begin()->first.first; }

 private:
  u64 now_ns_ = 0;
  EventId next_id_ = 1;
  std::map<std::pair<u64, EventId>, std::function<void()>> events_;
};

struct FakeIrq final : IrqLine {
  void set(bool level) override { asserted = level; }
  bool asserted = false;
};

/// RAM from kBase on.
class FakeRam final : public Dma {
 public:
  static constexpr u64 kBase = 0x8000'0000;
  explicit FakeRam(std::size_t size_bytes = 1 << 20) : bytes_(size_bytes) {}

  bool read(u64 address, std::span<u8> out) override {
    if (!contains(address, out.size())) {
      return false;
    }
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(address - kBase), out.size(), out.begin());
    return true;
  }
  bool write(u64 address, std::span<const u8> data) override {
    if (!contains(address, data.size())) {
      return false;
    }
    std::copy(data.begin(), data.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(address - kBase));
    return true;
  }

  template <class T>
  T get(u64 address) const {
    T value;
    std::memcpy(&value, &bytes_.at(address - kBase), sizeof value);
    return value;
  }
  template <class T>
  void put(u64 address, const T& value) {
    std::memcpy(&bytes_.at(address - kBase), &value, sizeof value);
  }
  std::string text(u64 address, std::size_t len_bytes) const {
    return {reinterpret_cast<const char*>(&bytes_.at(address - kBase)), len_bytes};
  }
  void put_text(u64 address, std::string_view text) {
    std::copy(text.begin(), text.end(), &bytes_.at(address - kBase));
  }

 private:
  bool contains(u64 address, u64 len_bytes) const {
    return len_bytes == 0 ||
           (address >= kBase && len_bytes <= bytes_.size() && address - kBase <= bytes_.size() - len_bytes);
  }
  std::vector<u8> bytes_;
};

struct TextSink final : ByteSink {
  void write(std::span<const u8> data) override { text.append(data.begin(), data.end()); }
  std::string text;
};

/// Gives what feed() queued, then kNotYet, or kEnd once close() was called.
class TextSource final : public ByteSource {
 public:
  void feed(std::string_view text) { queued_.insert(queued_.end(), text.begin(), text.end()); }
  void close() { closed_ = true; }
  std::size_t unread() const { return queued_.size(); }

  ReadResult read(std::span<u8> out) override {
    if (queued_.empty()) {
      return {closed_ ? ReadStatus::kEnd : ReadStatus::kNotYet, 0};
    }
    const std::size_t count = std::min(out.size(), queued_.size());
    std::copy_n(queued_.begin(), count, out.begin());
    queued_.erase(queued_.begin(), queued_.begin() + static_cast<std::ptrdiff_t>(count));
    return {ReadStatus::kData, count};
  }
  bool wait(int) override { return !closed_; }

 private:
  std::deque<u8> queued_;
  bool closed_ = false;
};

}  // namespace quire::testing
