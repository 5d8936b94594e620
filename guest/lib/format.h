// Type-safe formatting without allocation: "{}" placeholders, checked against the arguments at compile time.
//
// A placeholder is {} or {:[<|>][0][width][x|c]}: `<` left-aligns (numbers align right, text left by
// default), 0 pads with zeros, x is hexadecimal, c a character. {{ and }} are braces.
#pragma once

#include <concepts>
#include <type_traits>

#include "guest/lib/span.h"

namespace kernel {

/// Receives formatted text piece by piece.
class FormatSink {
 public:
  virtual void put(StringView text) = 0;

 protected:
  ~FormatSink() = default;
};

struct FormatArg {
  enum class Kind : u8 { kUnsigned, kSigned, kBool, kChar, kText, kPointer };
  Kind kind;
  union {
    u64 number;
    StringView text;
  };

  template <std::unsigned_integral T>
  constexpr FormatArg(T value) : kind(Kind::kUnsigned), number(value) {}
  template <std::signed_integral T>
  constexpr FormatArg(T value) : kind(Kind::kSigned), number(static_cast<u64>(static_cast<i64>(value))) {}
  constexpr FormatArg(bool value) : kind(Kind::kBool), number(value) {}
  constexpr FormatArg(char value) : kind(Kind::kChar), number(static_cast<u8>(value)) {}
  constexpr FormatArg(StringView value) : kind(Kind::kText), text(value) {}
  constexpr FormatArg(const char* value)
      : kind(Kind::kText), text(value == nullptr ? StringView("(null)") : StringView(value)) {}
  FormatArg(const void* value) : kind(Kind::kPointer), number(reinterpret_cast<u64>(value)) {}
  template <class Tag>
  constexpr FormatArg(Address<Tag> value) : kind(Kind::kPointer), number(value.value) {}
  template <class E>
  requires std::is_enum_v<E>
  constexpr FormatArg(E value) : FormatArg(static_cast<std::underlying_type_t<E>>(value)) {}
};

namespace format_detail {
void format_string_does_not_match_its_arguments();  // never defined: reaching it fails the compilation

/// The number of placeholders, or -1 for unbalanced braces.
constexpr int count_placeholders(StringView format) {
  int count = 0;
  for (usize i = 0; i < format.size(); i++) {
    const char c = format[i];
    if (c != '{' && c != '}') {
      continue;
    }
    if (i + 1 < format.size() && format[i + 1] == c) {
      i++;
      continue;
    }
    if (c == '}') {
      return -1;
    }
    const usize end = format.find('}', i);
    if (end == StringView::npos) {
      return -1;
    }
    count++;
    i = end;
  }
  return count;
}
}  // namespace format_detail

template <class... Args>
struct BasicFormatString {
  StringView text;

  template <class S>
  requires std::convertible_to<const S&, StringView>
  consteval BasicFormatString(const S& string) : text(string) {
    if (format_detail::count_placeholders(text) != static_cast<int>(sizeof...(Args))) {
      format_detail::format_string_does_not_match_its_arguments();
    }
  }
};
template <class... Args>
using FormatString = BasicFormatString<std::type_identity_t<Args>...>;

void format_to_sink(FormatSink& sink, StringView format, Span<const FormatArg> args);

template <class... Args>
void format(FormatSink& sink, FormatString<Args...> text, const Args&... args) {
  if constexpr (sizeof...(Args) == 0) {
    format_to_sink(sink, text.text, {});
  } else {
    const FormatArg list[] = {FormatArg(args)...};
    format_to_sink(sink, text.text, list);
  }
}

/// Formats into memory of the caller; what does not fit is dropped but counted.
class BufferSink final : public FormatSink {
 public:
  explicit BufferSink(Span<char> buffer) : buffer_(buffer) {}
  void put(StringView text) override;
  StringView view() const { return {buffer_.data(), used_}; }
  /// Characters the whole text would take.
  usize wanted() const { return wanted_; }

 private:
  Span<char> buffer_;
  usize used_ = 0;
  usize wanted_ = 0;
};

/// Returns the part of `buffer` that holds the text.
template <class... Args>
StringView format_into(Span<char> buffer, FormatString<Args...> text, const Args&... args) {
  BufferSink sink(buffer);
  format(sink, text, args...);
  return sink.view();
}

}  // namespace kernel
