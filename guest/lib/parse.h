// Numbers from text, checked.
#pragma once

#include <optional>

#include "guest/lib/span.h"

namespace kernel {

/// The whole of `text` as a number of `base` (2..16, no prefix); nothing on an empty text, a foreign
/// character or overflow.
std::optional<u64> parse_number(StringView text, unsigned base = 10);

/// The value of `key` in "a key=value b": nothing when it is absent, empty for a bare `key`. The last one
/// wins.
std::optional<StringView> find_option(StringView command_line, StringView key);

}  // namespace kernel
