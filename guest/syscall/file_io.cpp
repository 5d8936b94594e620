// Moving bytes: read(2), write(2) and their kin, positions, sizes, durability.
#include "guest/fs/vfs.h"
#include "guest/proc/signal.h"
#include "guest/syscall/arguments.h"

namespace kernel {

namespace {

/// A write nobody can read is a signal as well as an error (pipe(7)).
SyscallResult finish_write(KResult<usize> written) {
  if (written.ok()) {
    return static_cast<i64>(written.value());
  }
  if (written.error() == Errno::kEPIPE) {
    (void)send_to_task(current_task(), signal_from_user(kSIGPIPE));
  }
  return Err(written.error());
}

SyscallResult finish_read(KResult<usize> count) {
  if (!count.ok()) {
    return Err(count.error());
  }
  return static_cast<i64>(count.value());
}

IoBuffer buffer_of(const SyscallArgs& args) { return IoBuffer::user(args.as_address(1), args[2]); }

/// struct iovec[count] of user memory.
KResult<Vector<IoSegment>> user_segments(VirtAddr base, u64 count) {
  if (count > kMaxIoSegments) {
    return Err(Errno::kEINVAL);
  }
  Vector<IoSegment> segments;
  TRY(segments.resize(count));
  TRY(copy_from_user(segments.data(), base, count * sizeof(IoSegment)));
  return segments;
}

enum class Direction : u8 { kRead, kWrite };

/// readv, preadv, preadv2 and their writing kin; no position means the file's own.
SyscallResult vector_io(const SyscallArgs& args, Direction direction, const i64* position) {
  auto file = TRY(file_of(args.as_int(0)));
  const Vector<IoSegment> segments = TRY(user_segments(args.as_address(1), args[2]));
  IoBuffer buffer = TRY(IoBuffer::vector(segments.span()));
  if (direction == Direction::kRead) {
    return finish_read(position == nullptr ? file->read(buffer) : file->read_at(*position, buffer));
  }
  return finish_write(position == nullptr ? file->write(buffer) : file->write_at(*position, buffer));
}

/// preadv2(2): a position of -1 is the file's own; flags are hints or ask for what is not there.
SyscallResult vector_io_flags(const SyscallArgs& args, Direction direction) {
  constexpr u64 kHints = 0x1 | 0x2 | 0x4;  // RWF_HIPRI, RWF_DSYNC, RWF_SYNC: memory is always up to date
  if ((args[5] & ~kHints) != 0) {
    return Err(Errno::kEOPNOTSUPP);
  }
  const i64 position = args.as_long(3);
  return vector_io(args, direction, position == -1 ? nullptr : &position);
}

/// Copies through a buffer of the kernel until the source ends or `count` is done.
SyscallResult copy_bytes(File& from, i64* from_position, File& to, i64* to_position, u64 count) {
  constexpr usize kChunkBytes = 16384;
  Vector<u8> chunk;
  TRY(chunk.resize(std::min<u64>(kChunkBytes, count)));
  u64 done = 0;
  while (done < count) {
    auto in = IoBuffer::kernel(ByteSpan(chunk.data(), std::min<u64>(chunk.size(), count - done)));
    const auto got = from_position != nullptr ? from.read_at(*from_position, in) : from.read(in);
    if (!got.ok() || got.value() == 0) {
      return got.ok() || done > 0 ? SyscallResult(static_cast<i64>(done)) : SyscallResult(Err(got.error()));
    }
    auto out = IoBuffer::kernel(ConstByteSpan(chunk.data(), got.value()));
    const auto put = to_position != nullptr ? to.write_at(*to_position, out) : to.write(out);
    const usize moved = put.ok() ? put.value() : 0;
    if (from_position == nullptr && moved < got.value()) {
      // What could not be written has not been read.
      (void)from.seek(-static_cast<i64>(got.value() - moved), kSeekCur);
    }
    if (from_position != nullptr) {
      *from_position += static_cast<i64>(moved);
    }
    if (to_position != nullptr) {
      *to_position += static_cast<i64>(moved);
    }
    done += moved;
    if (moved < got.value()) {
      return put.ok() || done > 0 ? SyscallResult(static_cast<i64>(done)) : finish_write(Err(put.error()));
    }
    if (!give_way().ok()) {
      break;  // the process ends, so nobody looks at the result
    }
  }
  return static_cast<i64>(done);
}

/// A position in user memory that a call reads and moves; absent when the pointer is null.
struct UserPosition {
  VirtAddr address{};
  i64 value = 0;
  static KResult<UserPosition> get(VirtAddr address) {
    UserPosition position{.address = address, .value = 0};
    if (address.value != 0) {
      position.value = TRY(get_user<i64>(address));
      if (position.value < 0) {
        return Err(Errno::kEINVAL);
      }
    }
    return position;
  }
  i64* pointer() { return address.value == 0 ? nullptr : &value; }
  KResult<void> put() const { return address.value == 0 ? KResult<void>() : put_user(address, value); }
};

SyscallResult sync_file(i32 fd) {
  auto file = TRY(file_of(fd));
  TRY(file->sync());
  return 0;
}

}  // namespace

SyscallResult sys_read(const SyscallArgs& args) {
  auto file = TRY(file_of(args.as_int(0)));
  IoBuffer buffer = buffer_of(args);
  return finish_read(file->read(buffer));
}

SyscallResult sys_write(const SyscallArgs& args) {
  auto file = TRY(file_of(args.as_int(0)));
  IoBuffer buffer = buffer_of(args);
  return finish_write(file->write(buffer));
}

SyscallResult sys_pread64(const SyscallArgs& args) {
  auto file = TRY(file_of(args.as_int(0)));
  IoBuffer buffer = buffer_of(args);
  return finish_read(file->read_at(args.as_long(3), buffer));
}

SyscallResult sys_pwrite64(const SyscallArgs& args) {
  auto file = TRY(file_of(args.as_int(0)));
  IoBuffer buffer = buffer_of(args);
  return finish_write(file->write_at(args.as_long(3), buffer));
}

SyscallResult sys_readv(const SyscallArgs& args) { return vector_io(args, Direction::kRead, nullptr); }
SyscallResult sys_writev(const SyscallArgs& args) { return vector_io(args, Direction::kWrite, nullptr); }

SyscallResult sys_preadv(const SyscallArgs& args) {
  const i64 position = args.as_long(3);
  return vector_io(args, Direction::kRead, &position);
}

SyscallResult sys_pwritev(const SyscallArgs& args) {
  const i64 position = args.as_long(3);
  return vector_io(args, Direction::kWrite, &position);
}

SyscallResult sys_preadv2(const SyscallArgs& args) { return vector_io_flags(args, Direction::kRead); }
SyscallResult sys_pwritev2(const SyscallArgs& args) { return vector_io_flags(args, Direction::kWrite); }

SyscallResult sys_lseek(const SyscallArgs& args) {
  auto file = TRY(file_of(args.as_int(0)));
  return static_cast<i64>(TRY(file->seek(args.as_long(1), args.as_uint(2))));
}

SyscallResult sys_sendfile(const SyscallArgs& args) {
  auto to = TRY(file_of(args.as_int(0)));
  auto from = TRY(file_of(args.as_int(1)));
  if (!from->operations().seekable() || !to->writable()) {
    return Err(from->operations().seekable() ? Errno::kEBADF : Errno::kEINVAL);
  }
  UserPosition position = TRY(UserPosition::get(args.as_address(2)));
  const auto result =
      copy_bytes(*from, position.pointer(), *to, nullptr, std::min<u64>(args[3], kMaxIoBytes));
  TRY(position.put());
  return result.ok() ? SyscallResult(result.value()) : SyscallResult(Err(result.error()));
}

SyscallResult sys_copy_file_range(const SyscallArgs& args) {
  auto from = TRY(file_of(args.as_int(0)));
  auto to = TRY(file_of(args.as_int(2)));
  TRY(check_flags(args[5], 0));
  if (from->inode().is_directory() || to->inode().is_directory()) {
    return Err(Errno::kEISDIR);
  }
  if (!from->inode().is_regular() || !to->inode().is_regular()) {
    return Err(Errno::kEINVAL);
  }
  if (!from->readable() || !to->writable() || (to->flags() & kOpenAppend) != 0) {
    return Err(Errno::kEBADF);
  }
  UserPosition in = TRY(UserPosition::get(args.as_address(1)));
  UserPosition out = TRY(UserPosition::get(args.as_address(3)));
  if (&from->inode() == &to->inode()) {
    const u64 a = in.pointer() != nullptr ? static_cast<u64>(in.value) : from->position();
    const u64 b = out.pointer() != nullptr ? static_cast<u64>(out.value) : to->position();
    if (std::max(a, b) - std::min(a, b) < args[4]) {
      return Err(Errno::kEINVAL);  // overlapping ranges
    }
  }
  const auto result =
      copy_bytes(*from, in.pointer(), *to, out.pointer(), std::min<u64>(args[4], kMaxIoBytes));
  TRY(in.put());
  TRY(out.put());
  return result.ok() ? SyscallResult(result.value()) : SyscallResult(Err(result.error()));
}

SyscallResult sys_fsync(const SyscallArgs& args) { return sync_file(args.as_int(0)); }
SyscallResult sys_fdatasync(const SyscallArgs& args) { return sync_file(args.as_int(0)); }

SyscallResult sys_sync_file_range(const SyscallArgs& args) {
  TRY(check_flags(args.as_uint(3), 7));
  if (args.as_long(1) < 0 || args.as_long(2) < 0) {
    return Err(Errno::kEINVAL);
  }
  auto file = TRY(file_of(args.as_int(0)));
  if (!file->operations().seekable()) {
    return Err(Errno::kESPIPE);
  }
  TRY(file->sync());
  return 0;
}

SyscallResult sys_sync(const SyscallArgs&) {
  (void)vfs::sync_all();
  return 0;
}

SyscallResult sys_syncfs(const SyscallArgs& args) {
  auto file = TRY(file_of(args.as_int(0)));
  TRY(file->inode().fs().sync());
  return 0;
}

SyscallResult sys_ftruncate(const SyscallArgs& args) {
  auto file = TRY(file_of(args.as_int(0)));
  TRY(file->truncate(args.as_long(1)));
  return 0;
}

SyscallResult sys_truncate(const SyscallArgs& args) {
  const Path path = TRY(resolve_user_path(kAtFdCwd, args.as_address(0), 0));
  TRY(vfs::truncate(current_fs(), path, args.as_long(1)));
  return 0;
}

SyscallResult sys_fallocate(const SyscallArgs& args) {
  auto file = TRY(file_of(args.as_int(0)));
  TRY(file->allocate(args.as_uint(1), args.as_long(2), args.as_long(3)));
  return 0;
}

SyscallResult sys_fadvise64(const SyscallArgs& args) {
  auto file = TRY(file_of(args.as_int(0)));
  if (!file->operations().seekable()) {
    return Err(Errno::kESPIPE);
  }
  // Advice alone: every answer to it is right.
  return args.as_uint(3) <= kFadvNoReuse ? SyscallResult(0) : SyscallResult(Err(Errno::kEINVAL));
}

SyscallResult sys_readahead(const SyscallArgs& args) {
  auto file = TRY(file_of(args.as_int(0)));
  if (!file->readable()) {
    return Err(Errno::kEBADF);
  }
  return file->inode().is_regular() ? SyscallResult(0) : SyscallResult(Err(Errno::kEINVAL));
}

}  // namespace kernel
