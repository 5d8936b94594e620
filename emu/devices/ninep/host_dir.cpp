#include "emu/devices/ninep/host_dir.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <climits>
#include <cstring>

#include "quire/error.h"

namespace quire::share {

using arch::Err;

namespace {

constexpr int kLocateFlags = O_PATH | O_NOFOLLOW | O_CLOEXEC;

/// openat2(2) gives EAGAIN when a rename elsewhere kept it from being sure that it stayed beneath.
constexpr int kRaceRetries = 64;

[[noreturn]] void refuse(const std::string& path, const std::string& cause) {
  throw Error(ErrorKind::kFile, path + ": " + cause);
}

bool have_openat2(int root) {
  open_how how = {};
  how.flags = kLocateFlags;
  how.resolve = RESOLVE_BENEATH;
  const long fd = ::syscall(SYS_openat2, root, ".", &how, sizeof how);
  if (fd >= 0) {
    ::close(static_cast<int>(fd));
  }
  return fd >= 0;
}

}  // namespace

int check_name(std::string_view name) {
  if (name.size() > NAME_MAX) {
    return ENAMETOOLONG;
  }
  const bool good = !name.empty() && name != "." && name != ".." && name.find('/') == name.npos &&
                    name.find('\0') == name.npos;
  return good ? 0 : EINVAL;
}

HostDir::HostDir(const std::string& path, PathResolution resolution) : resolution_(resolution) {
  root_ = Fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root_) {
    refuse(path, std::string("cannot share this directory: ") + std::strerror(errno));
  }
  // Files are opened through /proc/self/fd.
  if (auto readable = open(root_, O_RDONLY | O_DIRECTORY); !readable.ok()) {
    refuse(path, std::string("cannot read the directory to share (through /proc/self/fd): ") +
                     std::strerror(readable.error()));
  }
  if (resolution_ == PathResolution::kDetect) {
    resolution_ = have_openat2(root_.get()) ? PathResolution::kOpenat2 : PathResolution::kComponents;
  }
}

HostResult<Fd> HostDir::locate(int directory, const std::string& path) const {
  if (path.empty()) {
    return host_fd(::fcntl(directory, F_DUPFD_CLOEXEC, 0));
  }
  return resolution_ == PathResolution::kOpenat2 ? by_openat2(directory, path)
                                                 : by_components(directory, path);
}

// With O_PATH | O_NOFOLLOW a symbolic link at the end is named, not followed, also under
// RESOLVE_NO_SYMLINKS (openat2(2)).
HostResult<Fd> HostDir::by_openat2(int directory, const std::string& path) const {
  open_how how = {};
  how.flags = kLocateFlags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long fd = -1;
  for (int tries = 0; tries < kRaceRetries; ++tries) {
    fd = ::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) {
      break;
    }
  }
  return host_fd(fd);
}

// One component at a time: each is named without following it, and a symbolic link that was named has
// nothing beneath it (ENOTDIR).
HostResult<Fd> HostDir::by_components(int directory, std::string_view path) {
  Fd at;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string name(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
    at = TRY(host_fd(::openat(at ? at.get() : directory, name.c_str(), kLocateFlags)));
  }
  return at;
}

// /proc/self/fd/N leads to the file the descriptor names and to no other, whatever its name is by now.
HostResult<Fd> HostDir::open(const Fd& located, int flags) {
  const struct stat found = TRY(status(located));
  if (!S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode)) {
    return Err(ENXIO);
  }
  return host_fd(::open(name_of(located).c_str(), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
}

std::string HostDir::name_of(const Fd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

HostResult<struct stat> HostDir::status(const Fd& fd) {
  struct stat found = {};
  TRY(host_call(::fstat(fd.get(), &found)));
  return found;
}

}  // namespace quire::share
