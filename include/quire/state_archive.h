// StateArchive: carries the state of a machine's part out of it or into it.
//
// A part names its fields once, in one function for both directions, so that what is saved is what is loaded.
// Only numbers and texts travel, and lists of them; pointers never.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "quire/device.h"
#include "quire/error.h"

namespace quire {

class StateArchive {
 public:
  virtual ~StateArchive() = default;
  StateArchive(const StateArchive&) = delete;
  StateArchive& operator=(const StateArchive&) = delete;

  /// Whether fields take new values; else they are read.
  bool loading() const { return direction_ == Direction::kLoad; }

  /// Saves or loads, in this order: integers, enums, bools, std::string, and arrays, vectors and optionals of
  /// what can be saved. Loading throws Error(kFile) where the state ends too soon.
  template <class... Fields>
  void operator()(Fields&... fields) {
    (field(fields), ...);
  }

  /// An event of the part's on the clock, and what it does when it is due.
  void event(Clock& clock, std::optional<Clock::EventId>& id, std::function<void()> action) {
    std::uint64_t number = id.value_or(0);
    std::uint64_t deadline_ns = id ? clock.deadline_ns(*id) : 0;
    bool waits = id.has_value();
    (*this)(waits, number, deadline_ns);
    if (loading()) {
      id.reset();
      if (waits) {
        id = number;
        clock.schedule_again(number, deadline_ns, std::move(action));
      }
    }
  }

  /// How many elements follow, each of a byte at least: `now` when saving.
  std::size_t count(std::size_t now) {
    std::uint64_t number = now;
    field(number);
    if (loading() && number > remaining_bytes()) {
      throw Error(ErrorKind::kFile, "a saved state is damaged: it has fewer elements than it says");
    }
    return number;
  }

 protected:
  enum class Direction : std::uint8_t { kSave, kLoad };
  explicit StateArchive(Direction direction) : direction_(direction) {}
  virtual void raw(void* data, std::size_t count_bytes) = 0;
  /// What is left to load.
  virtual std::size_t remaining_bytes() const = 0;

 private:
  template <class T>
  requires(std::is_integral_v<T> || std::is_enum_v<T>) void field(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      std::uint8_t byte = value ? 1 : 0;
      raw(&byte, 1);
      value = byte != 0;
    } else {
      raw(&value, sizeof value);
    }
  }
  template <class T>
  void field(std::optional<T>& value) {
    bool present = value.has_value();
    field(present);
    if (present) {
      T inner = value.value_or(T{});
      field(inner);
      value = inner;
    } else {
      value.reset();
    }
  }
  template <class T, std::size_t N>
  void field(std::array<T, N>& values) {
    elements(std::span<T>(values));
  }
  template <class T, std::size_t N>
  void field(T (&values)[N]) {
    elements(std::span<T>(values));
  }
  template <class T>
  void field(std::vector<T>& values) {
    const std::size_t elements_now = count(values.size());
    if (loading() && elements_now > remaining_bytes() / sizeof(T)) {
      throw Error(ErrorKind::kFile, "a saved state is damaged: it has fewer elements than it says");
    }
    values.resize(elements_now);
    elements(std::span<T>(values));
  }
  void field(std::string& text) {
    text.resize(count(text.size()));
    raw(text.data(), text.size());
  }
  template <class T>
  void elements(std::span<T> values) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      raw(values.data(), values.size_bytes());
    } else {
      for (T& value : values) {
        field(value);
      }
    }
  }

  const Direction direction_;
};

}  // namespace quire
