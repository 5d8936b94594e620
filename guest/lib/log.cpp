#include "guest/lib/log.h"

namespace kernel {

namespace {
LogLevel g_level = LogLevel::kWarning;
void (*g_sink)(StringView) = nullptr;

class LogSink final : public FormatSink {
 public:
  void put(StringView text) override { g_sink(text); }
};
}  // namespace

void set_log_level(LogLevel level) { g_level = level; }
LogLevel log_level() { return g_level; }
void set_log_sink(void (*sink)(StringView)) { g_sink = sink; }

void log_line(LogLevel level, StringView format, Span<const FormatArg> args) {
  if (level > g_level || g_sink == nullptr) {
    return;
  }
  LogSink sink;
  format_to_sink(sink, format, args);
  sink.put("\n");
}

}  // namespace kernel
