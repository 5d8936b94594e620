// Writing messages; see message.h.
#include "emu/cli/message.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace quire::cli {
namespace {

bool color_wanted = true;  // set once, before the first message

void write_line(std::string_view text, const char* color) {
  const bool colored = color_wanted && ::isatty(STDERR_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  fmt::print(stderr, "{}quire:{} {}\n", colored ? color : "", colored ? "\033[0m" : "", text);
}

}  // namespace

void set_color_wanted(bool wanted) { color_wanted = wanted; }
void complain(std::string_view text) { write_line(text, "\033[1;31m"); }
void note(std::string_view text) { write_line(text, "\033[1m"); }

}  // namespace quire::cli
