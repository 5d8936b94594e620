#include "quire/host_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "emu/base/touch.h"
#include "quire/error.h"

namespace quire {
namespace {

/// Larger than what the heap keeps for the next one.
constexpr std::size_t kLargeFile = 256 << 10;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void fail(const std::string& path, const std::string& cause) {
  throw Error(ErrorKind::kFile, path + ": " + cause);
}

[[noreturn]] void fail_errno(const std::string& path, int error) { fail(path, std::strerror(error)); }

}  // namespace

HostFile read_host_file(const std::string& path) {
  // O_NONBLOCK: a FIFO without a writer must not hold us up before it is refused.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    fail_errno(path, errno);
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    fail_errno(path, errno);
  }
  if (S_ISDIR(status.st_mode)) {
    fail(path, "is a directory");
  }
  if (!S_ISREG(status.st_mode)) {
    fail(path, "is not a regular file");
  }
  // Root's power to override permissions says nothing about what the file's owner meant.
  if ((status.st_mode & 0444) == 0) {
    fail(path, fmt::format("unreadable: mode {:04o} lets nobody read it", status.st_mode & 07777));
  }
  if (static_cast<std::uint64_t>(status.st_size) > UINT32_MAX) {
    fail(path, fmt::format("{} bytes are too many to hand to the guest", status.st_size));
  }
  HostFile result{{}, status.st_mode & 07777U};
  const auto size = static_cast<std::size_t>(status.st_size);
  result.data.reserve(size);
  if (size >= kLargeFile) {
    touch_pages(result.data.data(), size);
  }
  result.data.resize(size);
  std::size_t done = 0;
  while (done < result.data.size()) {
    const ssize_t count = ::read(file.get(), result.data.data() + done, result.data.size() - done);
    if (count < 0 && errno != EINTR) {
      fail_errno(path, errno);
    }
    if (count == 0) {  // it shrank meanwhile
      result.data.resize(done);
    }
    done += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  return result;
}

std::optional<HostFile> try_read_host_file(const std::string& path) {
  try {
    return read_host_file(path);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace quire
