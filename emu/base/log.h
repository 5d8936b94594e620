// One-line diagnostics on stderr, for what a user should know but no result carries.
#pragma once

namespace quire {

/// Prints "quire: warning: " and the formatted text (printf(3) conversions), with a newline.
[[gnu::format(printf, 1, 2)]] void log_warning(const char* format, ...);

}  // namespace quire
