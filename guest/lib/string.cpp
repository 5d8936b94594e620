#include "guest/lib/string.h"

namespace kernel {

KResult<String> String::from(StringView text) {
  String string;
  if (!text.empty()) {
    TRY(string.chars_.reserve(text.size() + 1));
    TRY(string.append(text));
  }
  return string;
}

KResult<void> String::append(StringView text) {
  if (text.empty()) {
    return {};
  }
  const usize needed = size() + text.size() + 1;
  if (needed > chars_.capacity()) {
    TRY(chars_.reserve(std::max(needed, chars_.capacity() * 2)));
  }
  if (!chars_.empty()) {
    chars_.pop();  // the NUL; the capacity is there, so nothing below can fail
  }
  TRY(chars_.append(Span<const char>(text.data(), text.size())));
  return chars_.push('\0');
}

void String::truncate(usize size) {
  ASSERT(size <= this->size());
  while (this->size() > size) {
    chars_.pop();
    chars_.back() = '\0';
  }
}

void StringSink::put(StringView text) {
  if (!failed_ && !target_.append(text).ok()) {
    failed_ = true;
  }
}

}  // namespace kernel
