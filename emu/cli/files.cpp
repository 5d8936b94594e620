// Writing whole files; see files.h.
#include "emu/cli/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "quire/error.h"

namespace quire::cli {
namespace {

class File {
 public:
  File(const std::string& path, int flags) : path_(path), fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    if (fd_ < 0) {
      fail(errno);
    }
  }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int fd() const { return fd_; }
  [[noreturn]] void fail(int error) const {
    throw Error(ErrorKind::kFile, fmt::format("{}: {}; check the path", path_, std::strerror(error)));
  }

 private:
  const std::string& path_;
  int fd_;
};

}  // namespace

void check_writable(const std::string& path) {
  struct stat status = {};
  const bool was_there = ::lstat(path.c_str(), &status) == 0;
  const File file(path, O_WRONLY | O_CREAT);
  if (!was_there) {
    ::unlink(path.c_str());  // what fails later leaves no empty file
  }
}

void write_file(const std::string& path, std::string_view text) {
  const File file(path, O_WRONLY | O_CREAT | O_TRUNC);
  while (!text.empty()) {
    const ssize_t count = ::write(file.fd(), text.data(), text.size());
    if (count < 0 && errno != EINTR) {
      file.fail(errno);
    }
    text.remove_prefix(static_cast<std::size_t>(count > 0 ? count : 0));
  }
}

}  // namespace quire::cli
