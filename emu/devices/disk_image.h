// A raw disk image on the host: bytes by offset, flushed when asked, locked while open.
//
// Invariant: while one is open for writing, no other DiskImage (of this process or another) has the
// file open; any number may read it together. What flush() confirmed is on the host's disk.
#pragma once

#include <span>
#include <string>

#include "emu/base/types.h"

namespace quire {

enum class DiskAccess { kReadWrite, kReadOnly };

class DiskImage {
 public:
  /// Throws Error(kFile) that names the file when it cannot be opened, is not a file or block
  /// device, or is in use.
  DiskImage(const std::string& path, DiskAccess access);
  ~DiskImage();
  DiskImage(const DiskImage&) = delete;
  DiskImage& operator=(const DiskImage&) = delete;

  /// As found when opened.
  u64 size_bytes() const { return size_bytes_; }
  bool read_only() const { return access_ == DiskAccess::kReadOnly; }

  /// False when the host failed. Bytes past size_bytes() read as zero.
  bool read(u64 offset, std::span<u8> out);
  bool write(u64 offset, std::span<const u8> data);
  bool flush();

 private:
  void lock(const std::string& path);
  void find_size(const std::string& path);

  int fd_ = -1;
  const DiskAccess access_;
  u64 size_bytes_ = 0;
};

}  // namespace quire
