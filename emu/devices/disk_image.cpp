#include "emu/devices/disk_image.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "emu/devices/image_format.h"
#include "quire/error.h"

namespace quire {

namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& cause) {
  throw Error(ErrorKind::kFile, path + ": " + cause);
}

/// Repeats `step(done)`, a pread or pwrite of what is left, until all is done, the host fails or the file
/// ends (errno is 0 then).
template <class Step>
std::size_t move_all(std::size_t len_bytes, Step&& step) {
  std::size_t done = 0;
  errno = 0;
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

std::string cannot_open(DiskAccess access, int error) {
  std::string text = std::string("cannot open the disk image: ") + std::strerror(error);
  if (access == DiskAccess::kReadWrite && (error == EACCES || error == EPERM || error == EROFS)) {
    text += "; it may still be used read-only (ro) or with writes thrown away (snapshot)";
  }
  return text;
}

}  // namespace

DiskImage::DiskImage(const std::string& path, DiskAccess access) : path_(path), access_(access) {
  const int mode = access == DiskAccess::kReadWrite ? O_RDWR : O_RDONLY;
  // O_NONBLOCK: opening a FIFO by mistake must not wait for its other end.
  fd_ = open(path.c_str(), mode | O_CLOEXEC | O_NONBLOCK);
  if (fd_ < 0) {
    refuse(path, cannot_open(access, errno));
  }
  try {
    check_kind();
    lock();
    find_size();
    refuse_other_formats();
  } catch (...) {
    close(fd_);
    throw;
  }
  if (access == DiskAccess::kThrowAway) {
    overlay_.emplace([this](u64 offset, std::span<u8> out) { return read_file(offset, out); });
  }
}

DiskImage::~DiskImage() { close(fd_); }

void DiskImage::check_kind() {
  if (fstat(fd_, &opened_) != 0) {
    refuse(path_, std::strerror(errno));
  }
  if (!S_ISREG(opened_.st_mode) && !S_ISBLK(opened_.st_mode)) {
    refuse(path_, "a disk image must be a regular file or a block device");
  }
}

// Under the lock, as what follows: another run may be in the middle of writing it otherwise.
void DiskImage::find_size() {
  if (fstat(fd_, &opened_) != 0) {
    refuse(path_, std::strerror(errno));
  }
  const off_t end = lseek(fd_, 0, SEEK_END);
  if (end < 0) {
    refuse(path_, std::strerror(errno));
  }
  if (end == 0) {
    refuse(path_, "the disk image is empty; 'truncate -s 1G FILE' makes one with room");
  }
  size_bytes_ = static_cast<u64>(end);
}

// An open-file-description lock, so that a second image in this process conflicts as one of another
// process does. It covers every byte and so meets other emulators' locks on single bytes, too.
void DiskImage::lock() {
  struct flock whole = {};
  whole.l_type = access_ == DiskAccess::kReadWrite ? F_WRLCK : F_RDLCK;
  whole.l_whence = SEEK_SET;
  if (fcntl(fd_, F_OFD_SETLK, &whole) == 0) {
    return;
  }
  if (errno == EAGAIN || errno == EACCES) {
    refuse(path_, access_ == DiskAccess::kReadWrite
                      ? "the disk image is in use by another run or drive"
                      : "the disk image is in use by another run or drive, which writes to it");
  }
  refuse(path_, std::string("cannot lock the disk image: ") + std::strerror(errno));
}

void DiskImage::refuse_other_formats() {
  std::array<u8, kFormatHeadBytes> head;
  std::array<u8, kFormatTailBytes> tail;
  const auto head_bytes = std::span(head).first(std::min<u64>(size_bytes_, head.size()));
  const auto tail_bytes = std::span(tail).first(std::min<u64>(size_bytes_, tail.size()));
  if (!read_file(0, head_bytes) || !read_file(size_bytes_ - tail_bytes.size(), tail_bytes)) {
    refuse(path_, trouble_.substr(path_.size() + 2));
  }
  const std::string_view format = recognise_image_format(head_bytes, tail_bytes);
  if (!format.empty()) {
    refuse(path_, "the disk image is in the " + std::string(format) +
                      " format, and only raw ones can be used; 'qemu-img convert -f " + std::string(format) +
                      " -O raw FILE FILE.raw' makes it one");
  }
}

// --- while the machine runs --------------------------------------------------------------------------

bool DiskImage::fail(const char* what, const char* cause) {
  if (trouble_.empty()) {
    trouble_ = path_ + ": " + what + ": " + cause;
  }
  return false;
}

// Locks bind only who asks for them. What only we may write must not get shorter; what nobody may write must
// not change at all.
bool DiskImage::unchanged() {
  if (!S_ISREG(opened_.st_mode)) {
    return true;
  }
  struct stat now;
  if (fstat(fd_, &now) != 0) {
    return fail("cannot look at the disk image", std::strerror(errno));
  }
  if (static_cast<u64>(now.st_size) < size_bytes_) {
    return fail("the disk image cannot be trusted", "another program cut it short while it was in use");
  }
  if (access_ != DiskAccess::kReadWrite &&
      (now.st_size != opened_.st_size || now.st_mtim.tv_sec != opened_.st_mtim.tv_sec ||
       now.st_mtim.tv_nsec != opened_.st_mtim.tv_nsec)) {
    return fail("the disk image cannot be trusted", "another program changed it while it was in use");
  }
  return true;
}

bool DiskImage::read_file(u64 offset, std::span<u8> out) {
  if (!unchanged()) {
    return false;
  }
  const u64 in_file = offset < size_bytes_ ? std::min<u64>(out.size(), size_bytes_ - offset) : 0;
  const std::size_t done = move_all(in_file, [&](std::size_t at) {
    return pread(fd_, out.data() + at, in_file - at, static_cast<off_t>(offset + at));
  });
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(in_file), out.end(), u8{0});
  return done == in_file ||
         fail("cannot read the disk image", errno != 0 ? std::strerror(errno) : "it ends early");
}

bool DiskImage::write_file(u64 offset, std::span<const u8> data) {
  if (!unchanged()) {
    return false;
  }
  const std::size_t done = move_all(data.size(), [&](std::size_t at) {
    return pwrite(fd_, data.data() + at, data.size() - at, static_cast<off_t>(offset + at));
  });
  if (done != data.size()) {
    return fail("cannot write the disk image", errno != 0 ? std::strerror(errno) : "no room");
  }
  size_bytes_ = std::max(size_bytes_, offset + data.size());
  return true;
}

bool DiskImage::read(u64 offset, std::span<u8> out) {
  return overlay_ ? overlay_->read(offset, out) : read_file(offset, out);
}

bool DiskImage::write(u64 offset, std::span<const u8> data) {
  if (!overlay_) {
    return write_file(offset, data);
  }
  note_unflushed(offset, data);
  return overlay_->write(offset, data) || fail("cannot keep what the guest wrote", "no room left in memory");
}

bool DiskImage::write_zeroes(u64 offset, u64 len_bytes, Unmap unmap) {
  if (overlay_) {
    if (unflushed_) {
      note_unflushed(offset, std::vector<u8>(len_bytes));
    }
    return overlay_->write_zeroes(offset, len_bytes) ||
           fail("cannot keep what the guest wrote", "no room left in memory");
  }
  if (!unchanged()) {
    return false;
  }
  // Behind the file's end all is zero already.
  const u64 in_file = offset < size_bytes_ ? std::min(len_bytes, size_bytes_ - offset) : 0;
  const int mode = unmap == Unmap::kYes ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
  return in_file == 0 || allocate(mode, offset, in_file) || write_zeroes_plainly(offset, in_file);
}

/// Not every file system can; false then, or when it failed.
bool DiskImage::allocate(int mode, u64 offset, u64 len_bytes) {
  int result = 0;
  do {
    result =
        fallocate(fd_, mode | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset), static_cast<off_t>(len_bytes));
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

bool DiskImage::write_zeroes_plainly(u64 offset, u64 len_bytes) {
  static constexpr std::array<u8, 64 << 10> kZeroes{};
  for (u64 done = 0; done < len_bytes;) {
    const u64 part = std::min<u64>(len_bytes - done, kZeroes.size());
    if (!write_file(offset + done, std::span(kZeroes).first(part))) {
      return false;
    }
    done += part;
  }
  return true;
}

bool DiskImage::discard(u64 offset, u64 len_bytes) {
  if (overlay_) {
    return true;
  }
  if (!unchanged()) {
    return false;
  }
  // Holes need whole blocks of the host's, and it may have none: both are fine, the guest only hinted.
  const u64 in_file = offset < size_bytes_ ? std::min(len_bytes, size_bytes_ - offset) : 0;
  if (in_file > 0 && !allocate(FALLOC_FL_PUNCH_HOLE, offset, in_file) && (errno == EIO || errno == ENOSPC)) {
    return fail("cannot discard in the disk image", std::strerror(errno));
  }
  return true;
}

void DiskImage::track_unflushed() {
  if (!overlay_) {
    throw Error(ErrorKind::kUsage,
                path_ +
                    ": what a power cut leaves is told of drives whose writes are thrown away; "
                    "give the drive 'snapshot'");
  }
  if (!unflushed_) {
    unflushed_.emplace();
  }
}

void DiskImage::note_unflushed(u64 offset, std::span<const u8> data) {
  if (unflushed_) {
    std::vector<u8> before(data.size());
    overlay_->read(offset, before);
    unflushed_->add(offset, std::move(before), data);
  }
}

bool DiskImage::cut_power(u64 seed) {
  return unflushed_->cut_power(
      seed, [this](u64 offset, std::span<const u8> data) { return overlay_->write(offset, data); });
}

bool DiskImage::flush() {
  if (unflushed_) {
    unflushed_->flushed();
  }
  if (overlay_ || read_only()) {
    return true;
  }
  if (!flush_failed_ && fdatasync(fd_) != 0) {
    flush_failed_ = true;
    fail("cannot bring the disk image to the host's disk", std::strerror(errno));
  }
  return !flush_failed_;
}

void DiskImage::transfer(StateArchive& archive) {
  i64 size_bytes = opened_.st_size;
  archive(size_bytes, flush_failed_);
  if (size_bytes != opened_.st_size) {
    throw Error(ErrorKind::kUsage, path_ + ": the snapshot was taken with an image of " +
                                       std::to_string(size_bytes) + " bytes, and this has " +
                                       std::to_string(opened_.st_size));
  }
  if (overlay_) {
    overlay_->transfer(archive);
    bool tracked = unflushed_.has_value();
    archive(tracked);
    if (!tracked) {
      unflushed_.reset();
    } else {
      track_unflushed();
      unflushed_->transfer(archive);
    }
  }
}

std::string DiskImage::unsaveable() const {
  return access_ == DiskAccess::kReadWrite ? "writes to " + path_ + "; give the drive 'snapshot' or 'ro'"
                                           : "";
}

}  // namespace quire
