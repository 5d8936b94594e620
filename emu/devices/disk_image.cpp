#include "emu/devices/disk_image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "quire/error.h"

namespace quire {

namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& cause) {
  throw Error(ErrorKind::kFile, path + ": " + cause);
}

/// Repeats `step(done)`, a pread or pwrite of what is left, until all is done, the host fails or the file
/// ends.
template <class Step>
std::size_t transfer(std::size_t len_bytes, Step&& step) {
  std::size_t done = 0;
  while (done < len_bytes) {
    const ssize_t count = step(done);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      break;
    }
    done += static_cast<std::size_t>(count);
  }
  return done;
}

}  // namespace

DiskImage::DiskImage(const std::string& path, DiskAccess access) : access_(access) {
  const int mode = access == DiskAccess::kReadOnly ? O_RDONLY : O_RDWR;
  // O_NONBLOCK: opening a FIFO by mistake must not wait for its other end.
  fd_ = open(path.c_str(), mode | O_CLOEXEC | O_NONBLOCK);
  if (fd_ < 0) {
    refuse(path, std::string("cannot open the disk image: ") + std::strerror(errno));
  }
  try {
    find_size(path);
    lock(path);
  } catch (...) {
    close(fd_);
    throw;
  }
}

DiskImage::~DiskImage() { close(fd_); }

void DiskImage::find_size(const std::string& path) {
  struct stat status;
  if (fstat(fd_, &status) != 0) {
    refuse(path, std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) {
    refuse(path, "a disk image must be a regular file or a block device");
  }
  const off_t end = lseek(fd_, 0, SEEK_END);
  if (end < 0) {
    refuse(path, std::strerror(errno));
  }
  size_bytes_ = static_cast<u64>(end);
}

// An open-file-description lock, so that a second image in this process conflicts as one of another
// process does. It covers every byte and so meets other emulators' locks on single bytes, too.
void DiskImage::lock(const std::string& path) {
  struct flock whole = {};
  whole.l_type = read_only() ? F_RDLCK : F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (fcntl(fd_, F_OFD_SETLK, &whole) == 0) {
    return;
  }
  if (errno == EAGAIN || errno == EACCES) {
    refuse(path, "the disk image is in use by another run");
  }
  refuse(path, std::string("cannot lock the disk image: ") + std::strerror(errno));
}

bool DiskImage::read(u64 offset, std::span<u8> out) {
  const u64 in_file = offset < size_bytes_ ? std::min<u64>(out.size(), size_bytes_ - offset) : 0;
  const std::size_t done = transfer(in_file, [&](std::size_t at) {
    return pread(fd_, out.data() + at, in_file - at, static_cast<off_t>(offset + at));
  });
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(in_file), out.end(), u8{0});
  return done == in_file;  // less: an error, or the file was cut short behind our back
}

bool DiskImage::write(u64 offset, std::span<const u8> data) {
  const std::size_t done = transfer(data.size(), [&](std::size_t at) {
    return pwrite(fd_, data.data() + at, data.size() - at, static_cast<off_t>(offset + at));
  });
  return done == data.size();
}

bool DiskImage::flush() { return fdatasync(fd_) == 0; }

}  // namespace quire
