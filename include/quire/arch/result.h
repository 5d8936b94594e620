// Result<T, E>: a value or an error, without exceptions; TRY hands the error on.
//
// Freestanding. E is a small trivially copyable type (an enum or a plain struct).
#pragma once

#include <new>
#include <type_traits>
#include <utility>

namespace quire::arch {

/// Wraps an error so that `return Err(e)` is never taken for a value.
template <class E>
struct Err {
  E error;
  explicit constexpr Err(E e) : error(e) {}
};

template <class T, class E>
class [[nodiscard]] Result {
  static_assert(std::is_trivially_copyable_v<E>);

 public:
  using Value = T;
  using Error = E;

  // NOLINTBEGIN(google-explicit-constructor): a function returns its value or Err(e) plainly.
  constexpr Result(const T& value) : has_value_(true), value_(value) {}
  constexpr Result(T&& value) : has_value_(true), value_(std::move(value)) {}
  constexpr Result(Err<E> err) : has_value_(false), error_(err.error) {}
  // NOLINTEND(google-explicit-constructor)

  constexpr Result(Result&& other) noexcept : has_value_(other.has_value_) {
    if (has_value_) {
      new (&value_) T(std::move(other.value_));
    } else {
      error_ = other.error_;
    }
  }
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
  Result& operator=(Result&&) = delete;
  constexpr ~Result() {
    if (has_value_) {
      value_.~T();
    }
  }

  constexpr explicit operator bool() const { return has_value_; }
  constexpr bool ok() const { return has_value_; }
  constexpr T& value() & { return value_; }
  constexpr const T& value() const& { return value_; }
  constexpr T&& value() && { return std::move(value_); }
  constexpr T value_or(T other) && { return has_value_ ? std::move(value_) : std::move(other); }
  constexpr E error() const { return error_; }

 private:
  bool has_value_;
  union {
    T value_;
    E error_;
  };
};

template <class E>
class [[nodiscard]] Result<void, E> {
  static_assert(std::is_trivially_copyable_v<E>);

 public:
  using Value = void;
  using Error = E;

  constexpr Result() : has_value_(true), error_{} {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  constexpr Result(Err<E> err) : has_value_(false), error_(err.error) {}

  constexpr explicit operator bool() const { return has_value_; }
  constexpr bool ok() const { return has_value_; }
  constexpr void value() const {}
  constexpr E error() const { return error_; }

 private:
  bool has_value_;
  E error_;
};

}  // namespace quire::arch

/// Evaluates to the value of a Result, or returns its error from the enclosing function.
#define TRY(...)                                      \
  __extension__({                                     \
    auto try_result_ = (__VA_ARGS__);                 \
    if (!try_result_.ok()) {                          \
      return ::quire::arch::Err(try_result_.error()); \
    }                                                 \
    std::move(try_result_).value();                   \
  })
