// System calls on names: making, removing, renaming, attributes, directories.
#include "guest/fs/vfs.h"
#include "guest/syscall/arguments.h"

namespace kernel {

namespace {

/// A path to something that is about to be made or removed: where it starts, and its text.
struct NameArgument {
  Path start;
  String text;
  static KResult<NameArgument> get(i32 dirfd, VirtAddr address) {
    String text = TRY(user_path(address));
    Path start = TRY(start_of(dirfd, text));
    return NameArgument{std::move(start), std::move(text)};
  }
};

SyscallResult done(KResult<void> result) {
  return result.ok() ? SyscallResult(0) : SyscallResult(Err(result.error()));
}

SyscallResult change_mode(i32 dirfd, VirtAddr path, u32 mode, u32 at_flags) {
  const Path file = TRY(resolve_user_path(dirfd, path, at_flags));
  if (file.inode().is_symlink()) {
    return Err(Errno::kEOPNOTSUPP);
  }
  return done(vfs::chmod(current_fs(), file, mode & kModeAllPermissions));
}

SyscallResult check_accessible(i32 dirfd, VirtAddr path, u32 mode, u32 at_flags) {
  TRY(check_flags(mode, kAccessRead | kAccessWrite | kAccessExecute));
  TRY(check_flags(at_flags, kAtEaccess | kAtSymlinkNoFollow | kAtEmptyPath));
  const Path file = TRY(resolve_user_path(dirfd, path, at_flags));
  const Identity& identity = current_process().identity;
  return done(vfs::access((at_flags & kAtEaccess) != 0 ? identity.effective() : identity.real(), file, mode));
}

/// utimensat(2): UTIME_NOW and UTIME_OMIT stand in the nanoseconds.
KResult<vfs::TimeChange> time_change(const TimeSpec& time) {
  constexpr i64 kNow = (i64{1} << 30) - 1;
  constexpr i64 kOmit = (i64{1} << 30) - 2;
  if (time.nanoseconds == kNow) {
    return vfs::TimeChange{.how = vfs::TimeChange::How::kNow, .time = {}};
  }
  if (time.nanoseconds == kOmit) {
    return vfs::TimeChange{.how = vfs::TimeChange::How::kKeep, .time = {}};
  }
  if (time.nanoseconds < 0 || time.nanoseconds >= static_cast<i64>(kNsPerSecond)) {
    return Err(Errno::kEINVAL);
  }
  return vfs::TimeChange{.how = vfs::TimeChange::How::kSet, .time = time};
}

constexpr u32 kStatFlags = kAtSymlinkNoFollow | kAtNoAutomount | kAtEmptyPath;

SyscallResult change_directory(const Path& path) {
  TRY(vfs::check_chdir(current_fs(), path));
  current_task().fs().cwd = path;
  return 0;
}

}  // namespace

SyscallResult sys_mkdirat(const SyscallArgs& args) {
  const auto name = TRY(NameArgument::get(args.as_int(0), args.as_address(1)));
  return done(vfs::mkdir(current_fs(), name.start, name.text, args.as_uint(2)));
}

SyscallResult sys_mknodat(const SyscallArgs& args) {
  const auto name = TRY(NameArgument::get(args.as_int(0), args.as_address(1)));
  return done(vfs::mknod(current_fs(), name.start, name.text, args.as_uint(2), args.as_uint(3)));
}

SyscallResult sys_unlinkat(const SyscallArgs& args) {
  TRY(check_flags(args.as_uint(2), kAtRemoveDir));
  const auto name = TRY(NameArgument::get(args.as_int(0), args.as_address(1)));
  return done((args.as_uint(2) & kAtRemoveDir) != 0 ? vfs::rmdir(current_fs(), name.start, name.text)
                                                    : vfs::unlink(current_fs(), name.start, name.text));
}

SyscallResult sys_symlinkat(const SyscallArgs& args) {
  const String target = TRY(user_path(args.as_address(0)));
  const auto name = TRY(NameArgument::get(args.as_int(1), args.as_address(2)));
  return done(vfs::symlink(current_fs(), target, name.start, name.text));
}

SyscallResult sys_linkat(const SyscallArgs& args) {
  const u32 flags = args.as_uint(4);
  TRY(check_flags(flags, kAtSymlinkFollow | kAtEmptyPath));
  const u32 follow = (flags & kAtSymlinkFollow) != 0 ? 0 : u32{kAtSymlinkNoFollow};
  const Path old =
      TRY(resolve_user_path(args.as_int(0), args.as_address(1), follow | (flags & kAtEmptyPath)));
  const auto name = TRY(NameArgument::get(args.as_int(2), args.as_address(3)));
  return done(vfs::link(current_fs(), old, name.start, name.text));
}

SyscallResult sys_renameat2(const SyscallArgs& args) {
  TRY(check_flags(args.as_uint(4), kRenameNoReplace | kRenameExchange));
  if (args.as_uint(4) == (kRenameNoReplace | kRenameExchange)) {
    return Err(Errno::kEINVAL);
  }
  const auto old = TRY(NameArgument::get(args.as_int(0), args.as_address(1)));
  const auto fresh = TRY(NameArgument::get(args.as_int(2), args.as_address(3)));
  return done(vfs::rename(current_fs(), old.start, old.text, fresh.start, fresh.text, args.as_uint(4)));
}

SyscallResult sys_readlinkat(const SyscallArgs& args) {
  if (args.as_int(3) <= 0) {
    return Err(Errno::kEINVAL);
  }
  const Path path =
      TRY(resolve_user_path(args.as_int(0), args.as_address(1), kAtSymlinkNoFollow | kAtEmptyPath));
  const String target = TRY(vfs::readlink(current_fs(), path));
  const usize bytes = std::min<usize>(target.size(), static_cast<usize>(args.as_int(3)));
  TRY(copy_to_user(args.as_address(2), target.c_str(), bytes));
  return static_cast<i64>(bytes);
}

SyscallResult sys_faccessat(const SyscallArgs& args) {
  return check_accessible(args.as_int(0), args.as_address(1), args.as_uint(2), 0);
}

SyscallResult sys_faccessat2(const SyscallArgs& args) {
  return check_accessible(args.as_int(0), args.as_address(1), args.as_uint(2), args.as_uint(3));
}

SyscallResult sys_fchmod(const SyscallArgs& args) {
  auto file = TRY(file_of(args.as_int(0)));
  return done(vfs::chmod(current_fs(), file->path(), args.as_uint(1) & kModeAllPermissions));
}

SyscallResult sys_fchmodat(const SyscallArgs& args) {
  return change_mode(args.as_int(0), args.as_address(1), args.as_uint(2), 0);
}

SyscallResult sys_fchmodat2(const SyscallArgs& args) {
  TRY(check_flags(args.as_uint(3), kAtSymlinkNoFollow | kAtEmptyPath));
  return change_mode(args.as_int(0), args.as_address(1), args.as_uint(2), args.as_uint(3));
}

SyscallResult sys_fchown(const SyscallArgs& args) {
  auto file = TRY(file_of(args.as_int(0)));
  return done(vfs::chown(current_fs(), file->path(), args.as_uint(1), args.as_uint(2)));
}

SyscallResult sys_fchownat(const SyscallArgs& args) {
  TRY(check_flags(args.as_uint(4), kAtSymlinkNoFollow | kAtEmptyPath));
  const Path path = TRY(resolve_user_path(args.as_int(0), args.as_address(1), args.as_uint(4)));
  return done(vfs::chown(current_fs(), path, args.as_uint(2), args.as_uint(3)));
}

SyscallResult sys_utimensat(const SyscallArgs& args) {
  TRY(check_flags(args.as_uint(3), kAtSymlinkNoFollow | kAtEmptyPath));
  TimeSpec times[2] = {{0, (i64{1} << 30) - 1}, {0, (i64{1} << 30) - 1}};
  if (args[2] != 0) {
    TRY(copy_from_user(times, args.as_address(2), sizeof(times)));
  }
  const vfs::TimeChange access = TRY(time_change(times[0]));
  const vfs::TimeChange modification = TRY(time_change(times[1]));
  Path path;
  if (args[1] == 0 && args.as_int(0) != kAtFdCwd) {
    auto file = TRY(file_of(args.as_int(0)));  // futimens(3)
    path = file->path();
  } else {
    path = TRY(resolve_user_path(args.as_int(0), args.as_address(1), args.as_uint(3)));
  }
  return done(vfs::set_times(current_fs(), path, access, modification));
}

SyscallResult sys_newfstatat(const SyscallArgs& args) {
  TRY(check_flags(args.as_uint(3), kStatFlags));
  const Path path = TRY(resolve_user_path(args.as_int(0), args.as_address(1), args.as_uint(3)));
  return done(put_user(args.as_address(2), vfs::stat(path)));
}

SyscallResult sys_fstat(const SyscallArgs& args) {
  auto file = TRY(any_file_of(args.as_int(0)));
  return done(put_user(args.as_address(1), vfs::stat(file->path())));
}

SyscallResult sys_statx(const SyscallArgs& args) {
  constexpr u32 kSyncType = kAtStatxForceSync | kAtStatxDontSync;
  TRY(check_flags(args.as_uint(2), kStatFlags | kSyncType));
  if ((args.as_uint(2) & kSyncType) == kSyncType || (args.as_uint(3) & kStatxReserved) != 0) {
    return Err(Errno::kEINVAL);
  }
  const Path path = TRY(resolve_user_path(args.as_int(0), args.as_address(1), args.as_uint(2)));
  return done(put_user(args.as_address(4), vfs::statx(path)));
}

SyscallResult sys_statfs(const SyscallArgs& args) {
  const Path path = TRY(resolve_user_path(kAtFdCwd, args.as_address(0), 0));
  return done(put_user(args.as_address(1), vfs::statfs(path)));
}

SyscallResult sys_fstatfs(const SyscallArgs& args) {
  auto file = TRY(any_file_of(args.as_int(0)));
  return done(put_user(args.as_address(1), vfs::statfs(file->path())));
}

SyscallResult sys_getcwd(const SyscallArgs& args) {
  const FsContext& context = current_fs();
  if (context.cwd.dentry->deleted()) {
    return Err(Errno::kENOENT);
  }
  const String text = TRY(path_text(context.cwd, context.root));
  const usize bytes = text.size() + 1;
  if (bytes > args[1]) {
    return Err(Errno::kERANGE);
  }
  TRY(copy_to_user(args.as_address(0), text.c_str(), bytes));
  return static_cast<i64>(bytes);
}

SyscallResult sys_chdir(const SyscallArgs& args) {
  return change_directory(TRY(resolve_user_path(kAtFdCwd, args.as_address(0), 0)));
}

SyscallResult sys_fchdir(const SyscallArgs& args) {
  auto file = TRY(any_file_of(args.as_int(0)));
  if (!file->inode().is_directory()) {
    return Err(Errno::kENOTDIR);
  }
  return change_directory(file->path());
}

SyscallResult sys_umask(const SyscallArgs& args) {
  u32& mask = current_task().fs().umask;
  const u32 before = mask;
  mask = args.as_uint(0) & kModePermissions;
  return i64{before};
}

SyscallResult sys_chroot(const SyscallArgs& args) {
  const Path path = TRY(resolve_user_path(kAtFdCwd, args.as_address(0), 0));
  TRY(vfs::check_chdir(current_fs(), path));
  if (!current_process().identity.privileged()) {
    return Err(Errno::kEPERM);
  }
  current_task().fs().root = path;
  return 0;
}

SyscallResult sys_getdents64(const SyscallArgs& args) {
  auto file = TRY(file_of(args.as_int(0)));
  return static_cast<i64>(TRY(file->read_directory(args.as_address(1), args.as_uint(2))));
}

}  // namespace kernel
