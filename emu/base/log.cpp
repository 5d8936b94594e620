#include "emu/base/log.h"

#include <cstdarg>
#include <cstdio>

namespace quire {

void log_warning(const char* format, ...) {
  // One buffer and one call, so that lines of several threads do not mix.
  char text[512];
  std::va_list args;
  va_start(args, format);
  std::vsnprintf(text, sizeof text, format, args);
  va_end(args);
  std::fprintf(stderr, "quire: warning: %s\n", text);
}

}  // namespace quire
