// A raw disk image on the host: bytes by offset, flushed when asked, locked while open.
//
// Invariant: while one is open for writing, no other DiskImage (of this process or another) has the
// file open; any number may read it together. What flush() confirmed is on the host's disk; with
// kThrowAway nothing ever reaches the file. A file that another program changes meanwhile is noticed
// where the host can tell, and fails instead of giving what it never held.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <span>
#include <string>

#include "emu/base/types.h"
#include "emu/devices/unflushed_writes.h"
#include "emu/devices/write_overlay.h"
#include "quire/state_archive.h"

namespace quire {

enum class DiskAccess {
  kReadWrite,
  kReadOnly,
  kThrowAway,  ///< writes are kept in memory as long as this object
};

enum class Unmap { kNo, kYes };  ///< whether zeroes may be a hole in the file

class DiskImage {
 public:
  /// Throws Error(kFile) that names the file when it cannot be opened, is not a file or block
  /// device, is empty, is in a format other than raw, or is in use.
  DiskImage(const std::string& path, DiskAccess access);
  ~DiskImage();
  DiskImage(const DiskImage&) = delete;
  DiskImage& operator=(const DiskImage&) = delete;

  /// As found when opened; grows with what is written behind it.
  u64 size_bytes() const { return size_bytes_; }
  bool read_only() const { return access_ == DiskAccess::kReadOnly; }

  // False when the host failed; trouble() then says why. Precondition of what writes: !read_only().

  /// Bytes past size_bytes() read as zero.
  bool read(u64 offset, std::span<u8> out);
  bool write(u64 offset, std::span<const u8> data);
  bool write_zeroes(u64 offset, u64 len_bytes, Unmap unmap);
  /// The bytes are worth nothing any more: zero or as they were.
  bool discard(u64 offset, u64 len_bytes);
  /// Once one has failed, all do: the host may have dropped what it could not write.
  bool flush();

  /// From now on what is not flushed yet is known, so that cut_power() can lose it. Error(kUsage) without
  /// kThrowAway: a file's own fate is the host's.
  void track_unflushed();
  usize unflushed_writes() const { return unflushed_ ? unflushed_->count() : 0; }
  /// What is left when the power goes off at this moment: unflushed writes are there, gone or torn, as `seed`
  /// decides. Precondition: track_unflushed().
  bool cut_power(u64 seed);

  /// What a guest has written that the file does not have. The file itself stays what it is.
  void transfer(StateArchive& archive);
  /// Why a saved state would be worth nothing, or empty: what is written to the file cannot be taken back.
  std::string unsaveable() const;

  /// The first failure, in one line that names the file; empty when there was none.
  const std::string& trouble() const { return trouble_; }

 private:
  void check_kind();
  void lock();
  void find_size();
  void refuse_other_formats();
  bool unchanged();
  bool read_file(u64 offset, std::span<u8> out);
  bool write_file(u64 offset, std::span<const u8> data);
  bool allocate(int mode, u64 offset, u64 len_bytes);
  bool write_zeroes_plainly(u64 offset, u64 len_bytes);
  void note_unflushed(u64 offset, std::span<const u8> data);
  bool fail(const char* what, const char* cause);

  const std::string path_;
  const DiskAccess access_;
  int fd_ = -1;
  struct stat opened_ = {};
  u64 size_bytes_ = 0;
  std::optional<WriteOverlay> overlay_;  ///< with kThrowAway
  std::optional<UnflushedWrites> unflushed_;
  bool flush_failed_ = false;
  std::string trouble_;
};

}  // namespace quire
