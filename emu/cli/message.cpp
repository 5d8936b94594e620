// Writing messages; see message.h.
#include "emu/cli/message.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "quire/error.h"

namespace quire::cli {
namespace {

bool color_wanted = true;  // set once, before the first message

void write_line(std::string_view text, const char* color) {
  const bool colored = color_wanted && ::isatty(STDERR_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
  // There is nobody left to tell when standard error takes nothing.
  print_to(STDERR_FILENO,
           fmt::format("{}quire:{} {}\n", colored ? color : "", colored ? "\033[0m" : "", text));
}

}  // namespace

void prepare_standard_streams() {
  // Opened the wrong way round, so that a use of it still fails.
  constexpr int kWrongWay[] = {O_WRONLY, O_RDONLY, O_RDONLY};
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0) {
      ::open("/dev/null", kWrongWay[fd]);  // the lowest that is free: this one
    }
  }
  std::signal(SIGPIPE, SIG_IGN);
}

bool print_to(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno != EINTR) {
      return false;
    }
    text.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  return true;
}

void print_answer(std::string_view text) {
  if (!print_to(STDOUT_FILENO, text)) {
    throw Error(ErrorKind::kFile, fmt::format("standard output: {}", std::strerror(errno)));
  }
}

void set_color_wanted(bool wanted) { color_wanted = wanted; }
void complain(std::string_view text) { write_line(text, "\033[1;31m"); }
void note(std::string_view text) { write_line(text, "\033[1m"); }

}  // namespace quire::cli
