#include "guest/lib/format.h"

#include <algorithm>

namespace kernel {

namespace {

struct FormatSpec {
  bool left = false;
  bool right = false;
  bool zero = false;
  bool hexadecimal = false;
  bool character = false;
  usize width = 0;
};

/// `text` is what stands between the braces, colon included; unknown letters are ignored.
FormatSpec parse_spec(StringView text) {
  FormatSpec spec;
  for (const char c : text) {
    if (c == '<') {
      spec.left = true;
    } else if (c == '>') {
      spec.right = true;
    } else if (c == '0' && spec.width == 0) {
      spec.zero = true;
    } else if (c >= '0' && c <= '9') {
      spec.width = spec.width * 10 + static_cast<usize>(c - '0');
    } else if (c == 'x') {
      spec.hexadecimal = true;
    } else if (c == 'c') {
      spec.character = true;
    }
  }
  return spec;
}

constexpr usize kMaxDigits = 20;

/// Writes the digits to the end of `buffer`.
StringView digits_of(u64 value, unsigned base, char (&buffer)[kMaxDigits]) {
  usize at = kMaxDigits;
  do {
    buffer[--at] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  return {buffer + at, kMaxDigits - at};
}

void put_repeated(FormatSink& sink, StringView unit, usize count) {
  for (usize i = 0; i < count; i++) {
    sink.put(unit);
  }
}

void put_padded(FormatSink& sink, StringView text, const FormatSpec& spec, bool default_left) {
  const usize padding = spec.width > text.size() ? spec.width - text.size() : 0;
  const bool left = spec.left || (default_left && !spec.right);
  if (!left) {
    put_repeated(sink, " ", padding);
  }
  sink.put(text);
  if (left) {
    put_repeated(sink, " ", padding);
  }
}

void put_number(FormatSink& sink, u64 value, bool negative, const FormatSpec& spec, StringView prefix) {
  char buffer[kMaxDigits];
  const StringView digits = digits_of(negative ? u64{0} - value : value, spec.hexadecimal ? 16 : 10, buffer);
  const StringView sign = negative ? StringView("-") : prefix;
  const usize length = sign.size() + digits.size();
  const usize padding = spec.width > length ? spec.width - length : 0;
  if (!spec.left && !spec.zero) {
    put_repeated(sink, " ", padding);
  }
  sink.put(sign);
  if (!spec.left && spec.zero) {
    put_repeated(sink, "0", padding);
  }
  sink.put(digits);
  if (spec.left) {
    put_repeated(sink, " ", padding);
  }
}

void put_argument(FormatSink& sink, const FormatArg& arg, FormatSpec spec) {
  switch (arg.kind) {
    case FormatArg::Kind::kText:
      put_padded(sink, arg.text, spec, true);
      return;
    case FormatArg::Kind::kBool:
      put_padded(sink, arg.number != 0 ? "true" : "false", spec, true);
      return;
    case FormatArg::Kind::kChar: {
      const char c = static_cast<char>(arg.number);
      put_padded(sink, StringView(&c, 1), spec, true);
      return;
    }
    case FormatArg::Kind::kPointer:
      spec.hexadecimal = true;
      put_number(sink, arg.number, false, spec, "0x");
      return;
    case FormatArg::Kind::kUnsigned:
    case FormatArg::Kind::kSigned:
      if (spec.character) {
        const char c = static_cast<char>(arg.number);
        put_padded(sink, StringView(&c, 1), spec, true);
        return;
      }
      put_number(sink, arg.number, arg.kind == FormatArg::Kind::kSigned && static_cast<i64>(arg.number) < 0,
                 spec, "");
      return;
  }
}

}  // namespace

void format_to_sink(FormatSink& sink, StringView format, Span<const FormatArg> args) {
  usize next_arg = 0;
  usize i = 0;
  while (i < format.size()) {
    const usize special = std::min(format.find_first_of("{}", i), format.size());
    if (special > i) {
      sink.put(format.substr(i, special - i));
    }
    if (special == format.size()) {
      return;
    }
    const bool doubled = special + 1 < format.size() && format[special + 1] == format[special];
    const usize end = doubled ? StringView::npos : format.find('}', special);
    if (format[special] == '}' || doubled || end == StringView::npos) {
      sink.put(format.substr(special, 1));
      i = special + (doubled ? 2 : 1);
      continue;
    }
    if (next_arg < args.size()) {
      put_argument(sink, args[next_arg++], parse_spec(format.substr(special + 1, end - special - 1)));
    }
    i = end + 1;
  }
}

void BufferSink::put(StringView text) {
  const usize part = std::min(text.size(), buffer_.size() - used_);
  std::copy_n(text.data(), part, buffer_.data() + used_);
  used_ += part;
  wanted_ += text.size();
}

}  // namespace kernel
