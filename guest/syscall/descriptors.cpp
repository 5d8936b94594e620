// Descriptors: opening, closing, duplicating, flags, pipes, requests to devices.
#include "guest/fs/pipe.h"
#include "guest/fs/tmpfs.h"
#include "guest/fs/vfs.h"
#include "guest/proc/process_table.h"
#include "guest/syscall/arguments.h"
#include "guest/syscall/locks.h"

namespace kernel {

namespace {

FdTable& files() { return current_task().files(); }

SyscallResult duplicate(const RefPtr<File>& file, i64 lowest, CloseOnExec cloexec) {
  if (lowest < 0 || static_cast<u64>(lowest) >= open_files_limit()) {
    return Err(Errno::kEINVAL);
  }
  return i64{TRY(files().install(file, cloexec, open_files_limit(), static_cast<i32>(lowest)))};
}

SyscallResult open_at(i32 dirfd, VirtAddr path_address, u32 flags, u32 mode) {
  const String path = TRY(user_path(path_address));
  const Path start = TRY(start_of(dirfd, path));
  // All offsets have 64 bits here, and F_GETFL says so.
  const u32 large = (flags & kOpenPath) != 0 ? 0 : u32{kOpenLargeFile};
  auto file = TRY(vfs::open(current_fs(), start, path, flags | large, mode));
  return install_file(std::move(file), flags);
}

SyscallResult set_nonblocking(File& file, VirtAddr argument) {
  const bool on = TRY(get_user<i32>(argument)) != 0;
  TRY(file.set_status_flags(on ? file.flags() | kOpenNonBlock : file.flags() & ~u32{kOpenNonBlock}));
  return 0;
}

}  // namespace

SyscallResult sys_openat(const SyscallArgs& args) {
  return open_at(args.as_int(0), args.as_address(1), args.as_uint(2), args.as_uint(3));
}

SyscallResult sys_close(const SyscallArgs& args) {
  TRY(files().close(args.as_int(0)));
  return 0;
}

SyscallResult sys_close_range(const SyscallArgs& args) {
  const u32 flags = args.as_uint(2);
  TRY(check_flags(flags, kCloseRangeUnshare | kCloseRangeCloseOnExec));
  if (args.as_uint(0) > args.as_uint(1)) {
    return Err(Errno::kEINVAL);
  }
  if ((flags & kCloseRangeUnshare) != 0) {
    auto own = TRY(files().clone());
    process_table().set_files(current_task(), std::move(own));
  }
  files().close_range(args.as_uint(0), args.as_uint(1),
                      (flags & kCloseRangeCloseOnExec) != 0 ? CloseOnExec::kYes : CloseOnExec::kNo);
  return 0;
}

SyscallResult sys_dup(const SyscallArgs& args) {
  auto file = TRY(any_file_of(args.as_int(0)));
  return duplicate(file, 0, CloseOnExec::kNo);
}

SyscallResult sys_dup3(const SyscallArgs& args) {
  TRY(check_flags(args.as_uint(2), kOpenCloseOnExec));
  if (args.as_int(0) == args.as_int(1)) {
    return Err(Errno::kEINVAL);
  }
  auto file = TRY(any_file_of(args.as_int(0)));
  const auto cloexec = args.as_uint(2) != 0 ? CloseOnExec::kYes : CloseOnExec::kNo;
  TRY(files().install_at(args.as_int(1), std::move(file), cloexec, open_files_limit()));
  return i64{args.as_int(1)};
}

SyscallResult sys_fcntl(const SyscallArgs& args) {
  const i32 fd = args.as_int(0);
  const u32 command = args.as_uint(1);
  auto file = TRY(any_file_of(fd));
  if (file->path_only() && command != kFcntlDupFd && command != kFcntlDupFdCloseOnExec &&
      command != kFcntlGetFd && command != kFcntlSetFd && command != kFcntlGetFl) {
    return Err(Errno::kEBADF);
  }
  switch (command) {
    case kFcntlDupFd:
      return duplicate(file, args.as_int(2), CloseOnExec::kNo);
    case kFcntlDupFdCloseOnExec:
      return duplicate(file, args.as_int(2), CloseOnExec::kYes);
    case kFcntlGetFd:
      return TRY(files().is_close_on_exec(fd)) ? kFdCloseOnExec : 0;
    case kFcntlSetFd:
      TRY(files().set_close_on_exec(fd,
                                    (args[2] & kFdCloseOnExec) != 0 ? CloseOnExec::kYes : CloseOnExec::kNo));
      return 0;
    case kFcntlGetFl:
      return i64{file->flags()};
    case kFcntlSetFl:
      TRY(file->set_status_flags(args.as_uint(2)));
      return 0;
    case kFcntlGetPipeSize:
      return static_cast<i64>(TRY(pipe_capacity(*file)));
    case kFcntlSetPipeSize:
      return static_cast<i64>(
          TRY(set_pipe_capacity(*file, args.as_uint(2), current_process().identity.effective())));
    case kFcntlAddSeals:
      if (!file->writable()) {
        return Err(Errno::kEPERM);
      }
      TRY(file->inode().add_seals(args.as_uint(2)));
      return 0;
    case kFcntlGetSeals:
      return i64{TRY(file->inode().seals())};
    case kFcntlGetLock:
    case kFcntlOfdGetLock:
    case kFcntlSetLock:
    case kFcntlSetLockWait:
    case kFcntlOfdSetLock:
    case kFcntlOfdSetLockWait:
      return record_lock(fd, *file, static_cast<FcntlCommand>(command), args.as_address(2));
    case kFcntlSetOwner:
    case kFcntlSetSignal:
    case kFcntlGetOwner:
    case kFcntlGetSignal:
      return 0;  // no signal-driven I/O: nobody owns a file
    default:
      return Err(Errno::kEINVAL);
  }
}

SyscallResult sys_ioctl(const SyscallArgs& args) {
  const i32 fd = args.as_int(0);
  auto file = TRY(file_of(fd));
  switch (args.as_uint(1)) {
    case kIoctlCloseOnExec:
      TRY(files().set_close_on_exec(fd, CloseOnExec::kYes));
      return 0;
    case kIoctlNoCloseOnExec:
      TRY(files().set_close_on_exec(fd, CloseOnExec::kNo));
      return 0;
    case kIoctlNonBlock:
      return set_nonblocking(*file, args.as_address(2));
    default:
      return file->ioctl(args.as_uint(1), args.as_address(2));
  }
}

SyscallResult sys_pipe2(const SyscallArgs& args) {
  const u32 flags = args.as_uint(1);
  TRY(check_flags(flags, kOpenCloseOnExec | kOpenNonBlock | kOpenDirect));
  PipeEnds ends = TRY(make_pipe(flags, current_process().identity.effective()));
  i32 fds[2];
  fds[0] = static_cast<i32>(TRY(install_file(std::move(ends.reader), flags)));
  const auto second = install_file(std::move(ends.writer), flags);
  if (!second.ok()) {
    (void)files().close(fds[0]);
    return Err(second.error());
  }
  fds[1] = static_cast<i32>(second.value());
  const auto told = copy_to_user(args.as_address(0), fds, sizeof(fds));
  if (!told.ok()) {
    (void)files().close(fds[0]);
    (void)files().close(fds[1]);
    return Err(told.error());
  }
  return 0;
}

SyscallResult sys_memfd_create(const SyscallArgs& args) {
  char name[kNameMax];
  const usize length = TRY(strncpy_from_user(name, args.as_address(0), sizeof(name)));
  constexpr usize kMaxMemfdName = 249;  // "memfd:" counts too
  if (length > kMaxMemfdName) {
    return Err(Errno::kEINVAL);
  }
  auto file =
      TRY(memfd_create(StringView(name, length), args.as_uint(1), current_process().identity.effective()));
  return install_file(std::move(file),
                      (args.as_uint(1) & kMemfdCloseOnExec) != 0 ? u32{kOpenCloseOnExec} : 0);
}

}  // namespace kernel
