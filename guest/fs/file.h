// File: an open file description (open(2)): a file, how it was opened, and a position.
//
// FileOperations is the seam to what is behind a descriptor: cached files, directories, pipes, devices,
// procfs. Lock: `position_lock` for the position; the rest does not change after opening, but the status
// flags.
#pragma once

#include "guest/fs/frame_ref.h"
#include "guest/fs/io_buffer.h"
#include "guest/fs/mount.h"
#include "guest/lib/intrusive.h"
#include "guest/lib/unique_ptr.h"
#include "quire/arch/cause.h"
#include "quire/arch/linux/poll.h"

namespace kernel {

class File;
class PollSource;

/// Somebody who must know when an opening ends: an epoll instance that watches it.
class FileWatch : NonCopyable {
 public:
  AutoListNode watch_node;  // public for the intrusive list only
  /// The opening's last reference is gone; the watch is unhooked already.
  virtual void file_gone() = 0;

 protected:
  ~FileWatch() = default;
};

/// What a kind of file keeps for each opening.
class FileState {
 public:
  virtual ~FileState() = default;
};

/// A page as `fault` hands it to an address space.
struct FaultPage {
  FrameRef frame;  ///< empty: `address` is device memory, not counted
  PhysAddr address{};
  bool major = false;     ///< it had to be read from a backing store
  bool writable = false;  ///< may be mapped writable at once: nobody asks to hear of the first write
};

/// How a device's memory comes into an address space.
struct DeviceMap {
  enum class How : u8 {
    kByFault,  ///< page by page, by the driver's fault()
    kAtOnce,   ///< whole, before mmap returns; the pages are in a row, and counted by nobody
  };
  How how = How::kByFault;
  PhysAddr address{};      ///< with kAtOnce: of the mapping's first page
  bool read_only = false;  ///< and no mprotect makes it writable
};

class FileOperations {
 public:
  virtual ~FileOperations() = default;

  /// A new opening; may set file state, and still sees O_NOCTTY and the like in the flags. Blocks for a FIFO.
  virtual KResult<void> open(File&) { return {}; }
  /// The last reference to the opening is gone.
  virtual void release(File&) {}

  /// At `position`, which those that cannot seek ignore. The count, 0 at the end. EINVAL where it cannot be
  /// read.
  virtual KResult<usize> read(File&, u64 /*position*/, IoBuffer&) { return Err(Errno::kEINVAL); }
  virtual KResult<usize> write(File&, u64 /*position*/, IoBuffer&) { return Err(Errno::kEINVAL); }
  /// False: a stream; lseek and pread are ESPIPE.
  virtual bool seekable() const { return true; }
  /// The end for SEEK_END.
  virtual u64 end(File& file) const;
  /// SEEK_DATA and SEEK_HOLE; ENXIO beyond the end.
  virtual KResult<u64> seek_data(File& file, u64 position, bool hole);

  /// kPoll* that hold now. What changes the answer calls wake_pollers().
  virtual u32 poll(File&) { return kPollIn | kPollOut | kPollReadNorm | kPollWriteNorm; }
  /// What poll's answer hangs on; null for a file that is always ready (epoll refuses it: EPERM).
  virtual PollSource* poll_source(File&) { return nullptr; }
  /// ENOTTY.
  virtual KResult<i64> ioctl(File&, u32 request, VirtAddr argument);
  virtual KResult<void> sync(File&);
  /// Lines of /proc/PID/fdinfo/FD after the common ones.
  virtual KResult<void> show_info(File&, FormatSink&) { return {}; }
  /// Entries of a directory from the file's position on. ENOTDIR.
  virtual KResult<void> read_directory(File&, DirectorySink&) { return Err(Errno::kENOTDIR); }

  // --- mmap(2) ---
  /// The file that the mapping holds, usually this one; null makes it private anonymous memory. ENODEV.
  virtual KResult<RefPtr<File>> map(File&, bool shared, u64 offset, u64 bytes);
  /// For a character device whose map() gave itself: what its memory is. Only shared mappings come to be.
  /// EINVAL.
  virtual KResult<DeviceMap> map_device(File&, u64 offset, u64 bytes);
  /// A mapping of the device begins at page `first_page` of it: by mmap, or as part of one that was split or
  /// copied by fork. Each is closed once, perhaps smaller than it was.
  virtual void mapping_opened(File&, u64 /*first_page*/) {}
  virtual void mapping_closed(File&, u64 /*first_page*/) {}
  /// The page `index` of the file for a mapping. ENXIO beyond the end (SIGBUS), EIO, ENOSPC, ENOMEM.
  virtual KResult<FaultPage> fault(File&, u64 index, Access access);
  /// A shared mapping is about to write to a clean page of the cache.
  virtual KResult<void> page_mkwrite(File&, u64 index, Frame& frame);
};

class File : public RefCounted<File> {
 public:
  /// Opens `path`'s inode: access is checked by the caller. `flags`: OpenFlag. ETXTBSY, ENXIO.
  static KResult<RefPtr<File>> open(Path path, u32 flags);
  /// The same with operations of the caller's choice.
  static KResult<RefPtr<File>> open_with(Path path, u32 flags, FileOperations& operations,
                                         UniquePtr<FileState> state = nullptr);
  ~File();
  /// How many there are.
  static usize live() { return live_; }

  const Path& path() const { return path_; }
  Inode& inode() const { return path_.inode(); }
  FileOperations& operations() const { return *operations_; }
  template <class T>
  T* state() const {
    return static_cast<T*>(state_.get());
  }
  void set_state(UniquePtr<FileState> state) { state_ = std::move(state); }

  /// Access mode and status flags, as F_GETFL shows them.
  u32 flags() const { return flags_; }
  bool readable() const { return readable_; }
  bool writable() const { return writable_; }
  bool nonblocking() const { return (flags_ & kOpenNonBlock) != 0; }
  /// O_PATH: names a file, and does nothing else.
  bool path_only() const { return (flags_ & kOpenPath) != 0; }
  /// F_SETFL: changes only the flags that can change. EPERM where the file forbids it (none does yet).
  KResult<void> set_status_flags(u32 flags);

  /// read(2), write(2): at the position, which moves. EBADF, EINVAL, EINTR, EAGAIN, EFAULT, EPIPE ...
  KResult<usize> read(IoBuffer& buffer);
  KResult<usize> write(IoBuffer& buffer);
  /// pread(2), pwrite(2). ESPIPE, EINVAL for a negative offset.
  KResult<usize> read_at(i64 position, IoBuffer& buffer);
  KResult<usize> write_at(i64 position, IoBuffer& buffer);
  KResult<u64> seek(i64 offset, u32 whence);
  u64 position() const { return position_; }
  /// For readers of directories.
  void set_position(u64 position) { position_ = position; }

  u32 poll() { return operations_->poll(*this); }
  KResult<i64> ioctl(u32 request, VirtAddr argument);
  /// ftruncate(2). EINVAL, EFBIG, EPERM.
  KResult<void> truncate(i64 size);
  /// fallocate(2).
  KResult<void> allocate(u32 flags, i64 offset, i64 bytes);
  KResult<void> sync() { return operations_->sync(*this); }
  /// getdents64(2): bytes of whole entries written to user memory. EINVAL when not even one fits.
  KResult<usize> read_directory(VirtAddr buffer, usize bytes);

  Mutex position_lock;
  AutoList<FileWatch, &FileWatch::watch_node> watches;

 private:
  friend struct Description;
  template <class T, class... Args>
  friend KResult<RefPtr<T>> try_make_ref(Args&&... args);
  File(Path path, u32 flags, FileOperations* operations, UniquePtr<FileState> state);
  KResult<usize> append_or_write(u64& position, IoBuffer& buffer);

  Path path_;
  FileOperations* operations_;
  UniquePtr<FileState> state_;
  u32 flags_;
  bool readable_;
  bool writable_;
  bool opened_ = false;          // operations().open() went well: release() is due
  bool counted_writer_ = false;  // begin_write() went well: end_write() is due
  u64 position_ = 0;
  static inline usize live_ = 0;
};

/// RLIMIT_FSIZE of whoever runs, and what happens to who goes beyond it: SIGXFSZ. Set once by the layer that
/// knows processes; until then there is no limit.
struct FileSizeLimit {
  u64 (*bytes)();
  void (*exceeded)();
};
void set_file_size_limit(const FileSizeLimit& limit);
/// Whether the file may become `size` bytes long. EFBIG.
KResult<void> check_file_growth(const Inode& inode, u64 size);

/// For files kept in the page cache (regular files of every file system), and for directories.
FileOperations& cached_file_operations();
FileOperations& directory_operations();

}  // namespace kernel
