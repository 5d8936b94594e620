#include "guest/lib/parse.h"

#include <algorithm>

namespace kernel {

namespace {
unsigned digit_value(char c) {
  if (c >= '0' && c <= '9') {
    return static_cast<unsigned>(c - '0');
  }
  if (c >= 'a' && c <= 'f') {
    return static_cast<unsigned>(c - 'a') + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return static_cast<unsigned>(c - 'A') + 10;
  }
  return 16;
}
}  // namespace

std::optional<u64> parse_number(StringView text, unsigned base) {
  u64 value = 0;
  for (const char c : text) {
    const unsigned digit = digit_value(c);
    if (digit >= base || __builtin_mul_overflow(value, u64{base}, &value) ||
        __builtin_add_overflow(value, u64{digit}, &value)) {
      return std::nullopt;
    }
  }
  return text.empty() ? std::nullopt : std::optional(value);
}

std::optional<StringView> find_option(StringView command_line, StringView key) {
  std::optional<StringView> found;
  while (!command_line.empty()) {
    const usize end = std::min(command_line.find(' '), command_line.size());
    const StringView word = command_line.substr(0, end);
    command_line.remove_prefix(end < command_line.size() ? end + 1 : end);
    if (word == key) {
      found = StringView();
    } else if (word.starts_with(key) && word[key.size()] == '=') {
      found = word.substr(key.size() + 1);
    }
  }
  return found;
}

}  // namespace kernel
