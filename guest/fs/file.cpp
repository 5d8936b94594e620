#include "guest/fs/file.h"

#include <algorithm>

#include "guest/fs/file_locks.h"
#include "guest/fs/page_cache.h"
#include "guest/fs/poll.h"
#include "guest/hal/user_access.h"

namespace kernel {

namespace {

constexpr u32 kSettableFlags = kOpenAppend | kOpenNonBlock | kOpenAsync | kOpenDirect | kOpenNoAtime;
/// Say how to open, and are not part of the description afterwards.
constexpr u32 kOneTimeFlags = kOpenCreate | kOpenExclusive | kOpenNoCtty | kOpenTruncate | kOpenCloseOnExec;
constexpr usize kMaxDirectoryBuffer = 32768;

FileSizeLimit g_file_size_limit{[] { return ~u64{0}; }, [] {}};

bool wants_read(u32 flags) { return (flags & kOpenPath) == 0 && (flags & kOpenAccessMask) != kOpenWriteOnly; }
/// Access mode 3 is "check for both, allow neither read nor write" in Linux; it is refused by most drivers.
bool wants_write(u32 flags) {
  const u32 mode = flags & kOpenAccessMask;
  return (flags & kOpenPath) == 0 && (mode == kOpenWriteOnly || mode == kOpenReadWrite);
}

/// Lays out records of getdents64 in kernel memory.
class DirentSink final : public DirectorySink {
 public:
  DirentSink(ByteSpan buffer, u64 position) : buffer_(buffer), position_(position) {}

  bool entry(StringView name, u64 inode_number, u8 type, u64 next) override {
    const usize record = align_up(kDirent64NameOffset + name.size() + 1, sizeof(u64));
    if (record > buffer_.size() - used_) {
      too_small_ = used_ == 0;
      return false;
    }
    u8* const at = buffer_.data() + used_;
    memset(at, 0, record);
    const Dirent64 header{inode_number, static_cast<i64>(next), static_cast<u16>(record), type};
    memcpy(at, &header, kDirent64NameOffset);
    memcpy(at + kDirent64NameOffset, name.data(), name.size());
    used_ += record;
    position_ = next;
    return true;
  }
  usize used() const { return used_; }
  /// After the last entry that was taken.
  u64 position() const { return position_; }
  bool too_small() const { return too_small_; }

 private:
  ByteSpan buffer_;
  u64 position_;
  usize used_ = 0;
  bool too_small_ = false;
};

}  // namespace

void set_file_size_limit(const FileSizeLimit& limit) { g_file_size_limit = limit; }

KResult<void> check_file_growth(const Inode& inode, u64 size) {
  if (size <= inode.size() || size <= g_file_size_limit.bytes()) {
    return {};
  }
  g_file_size_limit.exceeded();
  return Err(Errno::kEFBIG);
}

WaitQueue& poll_queue() {
  static WaitQueue queue;
  return queue;
}

// --- defaults of the seam ---

u64 FileOperations::end(File& file) const { return file.inode().size(); }

KResult<u64> FileOperations::seek_data(File& file, u64 position, bool hole) {
  // Without knowledge of holes the file is all data, with a hole at its end (lseek(2)).
  const u64 size = end(file);
  if (position >= size) {
    return Err(Errno::kENXIO);
  }
  return hole ? size : position;
}

KResult<i64> FileOperations::ioctl(File&, u32, VirtAddr) { return Err(Errno::kENOTTY); }
KResult<void> FileOperations::sync(File&) { return Err(Errno::kEINVAL); }
KResult<RefPtr<File>> FileOperations::map(File&, bool, u64, u64) { return Err(Errno::kENODEV); }
KResult<DeviceMap> FileOperations::map_device(File&, u64, u64) { return Err(Errno::kENODEV); }
KResult<FaultPage> FileOperations::fault(File&, u64, Access) { return Err(Errno::kEIO); }
KResult<void> FileOperations::page_mkwrite(File&, u64, Frame&) { return Err(Errno::kEIO); }

// --- opening and closing ---

File::File(Path path, u32 flags, FileOperations* operations, UniquePtr<FileState> state)
    : path_(std::move(path)),
      operations_(operations),
      state_(std::move(state)),
      flags_(flags),
      readable_(wants_read(flags)),
      writable_(wants_write(flags)) {
  live_++;
}

KResult<RefPtr<File>> File::open(Path path, u32 flags) {
  static FileOperations nothing;  // O_PATH
  FileOperations* const operations = (flags & kOpenPath) != 0 ? &nothing : TRY(path.inode().operations());
  return open_with(std::move(path), flags, *operations);
}

KResult<RefPtr<File>> File::open_with(Path path, u32 flags, FileOperations& operations,
                                      UniquePtr<FileState> state) {
  RefPtr<File> file = TRY(try_make_ref<File>(std::move(path), flags, &operations, std::move(state)));
  if (file->writable_ && file->inode().is_regular()) {
    TRY(file->inode().begin_write());
    file->counted_writer_ = true;
  }
  TRY(operations.open(*file));
  file->flags_ &= ~kOneTimeFlags;
  file->opened_ = true;
  return file;
}

File::~File() {
  while (!watches.empty()) {
    FileWatch& watch = watches.front();
    watch.watch_node.unlink();
    watch.file_gone();
  }
  release_file_locks(*this);
  if (opened_) {
    operations_->release(*this);
  }
  if (counted_writer_) {
    inode().end_write();
  }
  live_--;
}

KResult<void> File::set_status_flags(u32 flags) {
  flags_ = (flags_ & ~kSettableFlags) | (flags & kSettableFlags);
  return {};
}

// --- transfers ---

KResult<usize> File::append_or_write(u64& position, IoBuffer& buffer) {
  if ((flags_ & kOpenAppend) != 0 && inode().is_regular()) {
    position = inode().size();
  }
  if (inode().is_regular() && buffer.remaining() > 0) {
    const u64 limit = g_file_size_limit.bytes();
    if (position >= limit) {
      g_file_size_limit.exceeded();
      return Err(Errno::kEFBIG);
    }
    buffer.limit(limit - position);
  }
  const usize written = TRY(operations_->write(*this, position, buffer));
  position += written;
  return written;
}

KResult<usize> File::read(IoBuffer& buffer) {
  if (!readable_) {
    return Err(Errno::kEBADF);
  }
  TRY(buffer.check());
  buffer.limit(kMaxIoBytes);
  if (!operations_->seekable()) {
    return operations_->read(*this, 0, buffer);
  }
  MutexGuard guard(position_lock);
  const usize count = TRY(operations_->read(*this, position_, buffer));
  position_ += count;
  return count;
}

KResult<usize> File::write(IoBuffer& buffer) {
  if (!writable_) {
    return Err(Errno::kEBADF);
  }
  TRY(buffer.check());
  buffer.limit(kMaxIoBytes);
  if (!operations_->seekable()) {
    return operations_->write(*this, 0, buffer);
  }
  MutexGuard guard(position_lock);
  u64 position = position_;
  const usize count = TRY(append_or_write(position, buffer));
  position_ = position;
  return count;
}

KResult<usize> File::read_at(i64 position, IoBuffer& buffer) {
  if (position < 0) {
    return Err(Errno::kEINVAL);
  }
  if (!operations_->seekable()) {
    return Err(Errno::kESPIPE);
  }
  if (!readable_) {
    return Err(Errno::kEBADF);
  }
  TRY(buffer.check());
  buffer.limit(kMaxIoBytes);
  return operations_->read(*this, static_cast<u64>(position), buffer);
}

KResult<usize> File::write_at(i64 position, IoBuffer& buffer) {
  if (position < 0) {
    return Err(Errno::kEINVAL);
  }
  if (!operations_->seekable()) {
    return Err(Errno::kESPIPE);
  }
  if (!writable_) {
    return Err(Errno::kEBADF);
  }
  TRY(buffer.check());
  buffer.limit(kMaxIoBytes);
  u64 at = static_cast<u64>(position);
  return append_or_write(at, buffer);
}

KResult<u64> File::seek(i64 offset, u32 whence) {
  if (!operations_->seekable()) {
    return Err(Errno::kESPIPE);
  }
  MutexGuard guard(position_lock);
  i64 base = 0;
  switch (whence) {
    case kSeekSet:
      break;
    case kSeekCur:
      base = static_cast<i64>(position_);
      break;
    case kSeekEnd:
      base = static_cast<i64>(operations_->end(*this));
      break;
    case kSeekData:
    case kSeekHole:
      if (offset < 0) {
        return Err(Errno::kENXIO);
      }
      position_ = TRY(operations_->seek_data(*this, static_cast<u64>(offset), whence == kSeekHole));
      return position_;
    default:
      return Err(Errno::kEINVAL);
  }
  i64 target = 0;
  if (__builtin_add_overflow(base, offset, &target)) {
    return Err(Errno::kEOVERFLOW);
  }
  if (target < 0) {
    return Err(Errno::kEINVAL);
  }
  position_ = static_cast<u64>(target);
  return position_;
}

KResult<i64> File::ioctl(u32 request, VirtAddr argument) {
  if (request == kIoctlBytesReadable && inode().is_regular()) {
    const i32 left = static_cast<i32>(std::max<i64>(0, static_cast<i64>(inode().size() - position_)));
    TRY(put_user(argument, left));
    return 0;
  }
  if (request == kIoctlNonBlock) {
    const i32 on = TRY(get_user<i32>(argument));
    TRY(set_status_flags(on != 0 ? flags_ | kOpenNonBlock : flags_ & ~u32{kOpenNonBlock}));
    return 0;
  }
  return operations_->ioctl(*this, request, argument);
}

KResult<void> File::truncate(i64 size) {
  if (size < 0 || !writable_ || !inode().is_regular()) {
    return Err(Errno::kEINVAL);
  }
  if (static_cast<u64>(size) > kMaxFileBytes) {
    return Err(Errno::kEFBIG);
  }
  MutexGuard guard(inode().lock);
  TRY(check_file_growth(inode(), static_cast<u64>(size)));
  return inode().resize(static_cast<u64>(size));
}

KResult<void> File::allocate(u32 flags, i64 offset, i64 bytes) {
  if (offset < 0 || bytes <= 0) {
    return Err(Errno::kEINVAL);
  }
  if (!writable_) {
    return Err(Errno::kEBADF);
  }
  if (inode().is(kModeFifo)) {
    return Err(Errno::kESPIPE);
  }
  if (!inode().is_regular()) {
    return Err(inode().is_directory() ? Errno::kEISDIR : Errno::kENODEV);
  }
  u64 end = 0;
  if (__builtin_add_overflow(static_cast<u64>(offset), static_cast<u64>(bytes), &end) ||
      end > kMaxFileBytes) {
    return Err(Errno::kEFBIG);
  }
  MutexGuard guard(inode().lock);
  if ((flags & kFallocPunchHole) == 0) {
    TRY(check_file_growth(inode(), end));
  }
  return inode().allocate(flags, static_cast<u64>(offset), static_cast<u64>(bytes));
}

KResult<usize> File::read_directory(VirtAddr buffer, usize bytes) {
  if (!inode().is_directory()) {
    return Err(Errno::kENOTDIR);
  }
  Vector<u8> records;
  TRY(records.resize(std::min(bytes, kMaxDirectoryBuffer)));
  MutexGuard guard(position_lock);
  DirentSink sink(records.span(), position_);
  {
    MutexGuard inode_guard(inode().lock);
    if (inode().links() == 0) {
      return Err(Errno::kENOENT);
    }
    TRY(operations_->read_directory(*this, sink));
  }
  if (sink.too_small()) {
    return Err(Errno::kEINVAL);
  }
  TRY(copy_to_user(buffer, records.data(), sink.used()));
  position_ = sink.position();
  return sink.used();
}

// --- directories ---

namespace {

class DirectoryOperations final : public FileOperations {
 public:
  KResult<usize> read(File&, u64, IoBuffer&) override { return Err(Errno::kEISDIR); }
  u64 end(File&) const override { return kMaxFileBytes; }
  KResult<void> sync(File&) override { return {}; }

  /// "." and ".." have the positions 0 and 1; the inode's own entries follow.
  KResult<void> read_directory(File& file, DirectorySink& sink) override {
    const Inode& inode = file.inode();
    if (file.position() == 0 && !sink.entry(".", inode.number(), kDirectoryType, 1)) {
      return {};
    }
    if (file.position() <= 1 && !sink.entry("..", parent_number(file), kDirectoryType, kFirst)) {
      return {};
    }
    const u64 from = file.position() < kFirst ? 0 : file.position() - kFirst;
    Shifted shifted(sink);
    TRY(file.inode().read_directory(from, shifted));
    file.inode().touch_accessed();
    return {};
  }

 private:
  static constexpr u64 kFirst = 2;
  static constexpr u8 kDirectoryType = mode_to_dirent_type(kModeDirectory);

  class Shifted final : public DirectorySink {
   public:
    explicit Shifted(DirectorySink& sink) : sink_(sink) {}
    bool entry(StringView name, u64 inode_number, u8 type, u64 next) override {
      return sink_.entry(name, inode_number, type, next + kFirst);
    }

   private:
    DirectorySink& sink_;
  };

  static u64 parent_number(File& file) {
    const Dentry* at = file.path().dentry.get();
    if (at->parent() == nullptr && file.path().mount->mountpoint() != nullptr) {
      at = file.path().mount->mountpoint();
    }
    return at->parent() != nullptr ? at->parent()->inode().number() : at->inode().number();
  }
};

}  // namespace

FileOperations& directory_operations() {
  static DirectoryOperations operations;
  return operations;
}

}  // namespace kernel
