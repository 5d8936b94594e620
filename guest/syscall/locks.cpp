// Locks of files: the record locks of fcntl(2) and flock(2).
#include "guest/syscall/locks.h"

#include "guest/fs/file_locks.h"

namespace kernel {

namespace {

/// The bytes that struct flock names, counted from the file's start. EINVAL, EOVERFLOW.
KResult<RecordLock> locked_range(File& file, const FileLock& lock) {
  i64 base = 0;
  switch (lock.whence) {
    case kSeekSet:
      break;
    case kSeekCur:
      base = static_cast<i64>(file.position());
      break;
    case kSeekEnd:
      base = static_cast<i64>(file.operations().end(file));
      break;
    default:
      return Err(Errno::kEINVAL);
  }
  i64 start = 0;
  if (__builtin_add_overflow(base, lock.start, &start)) {
    return Err(Errno::kEOVERFLOW);
  }
  if (start < 0) {
    return Err(Errno::kEINVAL);
  }
  // A negative length is the bytes before the start.
  i64 last = static_cast<i64>(kLockToEnd);
  if (lock.length > 0 && __builtin_add_overflow(start, lock.length - 1, &last)) {
    return Err(Errno::kEOVERFLOW);
  }
  if (lock.length < 0) {
    last = start - 1;
    start += lock.length;
  }
  if (start < 0) {
    return Err(Errno::kEINVAL);
  }
  if (lock.type != kLockRead && lock.type != kLockWrite && lock.type != kLockUnlock) {
    return Err(Errno::kEINVAL);
  }
  return RecordLock{static_cast<LockType>(lock.type), static_cast<u64>(start), static_cast<u64>(last)};
}

bool is_ofd(FcntlCommand command) { return command >= kFcntlOfdGetLock; }

SyscallResult get_lock(File& file, const LockOwner& owner, const RecordLock& wanted, FileLock answer,
                       VirtAddr argument) {
  if (wanted.type == kLockUnlock) {
    return Err(Errno::kEINVAL);
  }
  const FoundLock found = find_conflict(file, owner, wanted);
  answer.type = found.lock.type;
  if (found.lock.type != kLockUnlock) {
    answer.whence = kSeekSet;
    answer.start = static_cast<i64>(found.lock.first);
    answer.length =
        found.lock.last == kLockToEnd ? 0 : static_cast<i64>(found.lock.last - found.lock.first + 1);
    answer.pid = found.pid;
  }
  TRY(put_user(argument, answer));
  return 0;
}

}  // namespace

SyscallResult record_lock(i32 fd, File& file, FcntlCommand command, VirtAddr argument) {
  const FileLock given = TRY(get_user<FileLock>(argument));
  const RecordLock lock = TRY(locked_range(file, given));
  if (is_ofd(command) && given.pid != 0) {
    return Err(Errno::kEINVAL);
  }
  FdTable& table = current_task().files();
  const LockOwner owner =
      is_ofd(command) ? LockOwner{&file, -1} : LockOwner{&table, static_cast<i32>(current_process().pid())};
  if (command == kFcntlGetLock || command == kFcntlOfdGetLock) {
    return get_lock(file, owner, lock, given, argument);
  }
  if ((lock.type == kLockRead && !file.readable()) || (lock.type == kLockWrite && !file.writable())) {
    return Err(Errno::kEBADF);
  }
  const bool wait = command == kFcntlSetLockWait || command == kFcntlOfdSetLockWait;
  TRY(set_record_lock(file, owner, lock, wait ? LockWait::kYes : LockWait::kNo));
  // Another thread may have closed the descriptor while this one waited: then nobody would lift the lock.
  const auto still = table.get(fd, FdTable::Want::kAnyFile);
  if (!is_ofd(command) && (!still.ok() || still.value().get() != &file)) {
    release_process_locks(file, &table);
    return Err(Errno::kEBADF);
  }
  return 0;
}

SyscallResult sys_flock(const SyscallArgs& args) {
  enum : u32 { kShared = 1, kExclusive = 2, kNoWait = 4, kUnlock = 8 };
  auto file = TRY(file_of(args.as_int(0)));
  const LockWait wait = (args.as_uint(1) & kNoWait) != 0 ? LockWait::kNo : LockWait::kYes;
  switch (args.as_uint(1) & ~u32{kNoWait}) {
    case kShared:
      TRY(set_file_lock(*file, kLockRead, wait));
      return 0;
    case kExclusive:
      TRY(set_file_lock(*file, kLockWrite, wait));
      return 0;
    case kUnlock:
      TRY(set_file_lock(*file, kLockUnlock, wait));
      return 0;
    default:
      return Err(Errno::kEINVAL);
  }
}

}  // namespace kernel
