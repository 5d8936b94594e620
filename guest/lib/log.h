// The kernel log: one line a call, filtered by level, written to a sink that the drivers choose.
#pragma once

#include "guest/lib/format.h"

namespace kernel {

enum class LogLevel : u8 {
  kPanic = 0,
  kAlert = 1,
  kCritical = 2,
  kError = 3,
  kWarning = 4,
  kNotice = 5,
  kInfo = 6,
  kDebug = 7
};

/// Lines above `level` are dropped before they are formatted (`quire.loglevel=`).
void set_log_level(LogLevel level);
LogLevel log_level();
/// Receives text in pieces; the last piece of a line ends in '\n'. Null drops everything.
void set_log_sink(void (*sink)(StringView text));

void log_line(LogLevel level, StringView format, Span<const FormatArg> args);

template <class... Args>
void log(LogLevel level, FormatString<Args...> text, const Args&... args) {
  if (level > log_level()) {
    return;
  }
  if constexpr (sizeof...(Args) == 0) {
    log_line(level, text.text, {});
  } else {
    const FormatArg list[] = {FormatArg(args)...};
    log_line(level, text.text, list);
  }
}

template <class... Args>
void log_error(FormatString<Args...> text, const Args&... args) {
  log(LogLevel::kError, text, args...);
}
template <class... Args>
void log_warning(FormatString<Args...> text, const Args&... args) {
  log(LogLevel::kWarning, text, args...);
}
template <class... Args>
void log_info(FormatString<Args...> text, const Args&... args) {
  log(LogLevel::kInfo, text, args...);
}
template <class... Args>
void log_debug(FormatString<Args...> text, const Args&... args) {
  log(LogLevel::kDebug, text, args...);
}

}  // namespace kernel
