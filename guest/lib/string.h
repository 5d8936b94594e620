// String: an owned, NUL-terminated string whose growth can fail with ENOMEM.
#pragma once

#include "guest/lib/format.h"
#include "guest/lib/vector.h"

namespace kernel {

class String {
 public:
  String() = default;
  static KResult<String> from(StringView text);
  KResult<String> clone() const { return from(view()); }

  KResult<void> append(StringView text);
  KResult<void> append(char c) { return append(StringView(&c, 1)); }
  template <class... Args>
  KResult<void> append_format(FormatString<Args...> text, const Args&... args);

  StringView view() const { return {chars_.data(), size()}; }
  operator StringView() const { return view(); }  // NOLINT(google-explicit-constructor)
  const char* c_str() const { return chars_.empty() ? "" : chars_.data(); }
  usize size() const { return chars_.empty() ? 0 : chars_.size() - 1; }
  bool empty() const { return size() == 0; }
  char operator[](usize index) const { return view()[index]; }
  /// `size` must not exceed the present one.
  void truncate(usize size);
  void clear() { chars_.clear(); }
  bool operator==(StringView other) const { return view() == other; }

 private:
  friend struct Description;
  Vector<char> chars_;  // empty, or the text and its NUL
};

/// Formats into a String; the first failed growth is remembered and ends the text.
class StringSink final : public FormatSink {
 public:
  explicit StringSink(String& target) : target_(target) {}
  void put(StringView text) override;
  KResult<void> finish() const { return failed_ ? KResult<void>(Err(Errno::kENOMEM)) : KResult<void>(); }

 private:
  String& target_;
  bool failed_ = false;
};

template <class... Args>
KResult<void> String::append_format(FormatString<Args...> text, const Args&... args) {
  StringSink sink(*this);
  format(sink, text, args...);
  return sink.finish();
}

}  // namespace kernel
