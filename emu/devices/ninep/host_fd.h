// A descriptor of the host that closes itself, and the result type of host calls.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "quire/arch/result.h"

namespace quire::share {

/// A value, or the errno of the host call that failed. Linux numbers, which are the guest's as well.
template <class T>
using HostResult = arch::Result<T, int>;

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  /// The caller closes it from now on.
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// The result of a host call that gives -1 and errno.
inline HostResult<void> host_call(long result) {
  if (result < 0) {
    return arch::Err(errno);
  }
  return {};
}

inline HostResult<Fd> host_fd(long fd) {
  if (fd < 0) {
    return arch::Err(errno);
  }
  return Fd(static_cast<int>(fd));
}

}  // namespace quire::share
