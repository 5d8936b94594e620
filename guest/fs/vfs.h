// System calls on names, with user memory already copied in. Errnos as in section 2 of the manual.
//
// `start` is the directory that a relative path begins at: the working directory, or the file of a
// directory descriptor.
#pragma once

#include "guest/fs/file.h"
#include "guest/fs/path.h"

namespace kernel::vfs {

/// open(2). `flags` may hold any bits; unknown ones are ignored, as Linux does.
KResult<RefPtr<File>> open(const FsContext& context, const Path& start, StringView path, u32 flags, u32 mode);
KResult<void> mkdir(const FsContext& context, const Path& start, StringView path, u32 mode);
/// mknod(2): regular files, FIFOs and devices; a type of 0 is a regular file.
KResult<void> mknod(const FsContext& context, const Path& start, StringView path, u32 mode, u64 device);
KResult<void> symlink(const FsContext& context, StringView target, const Path& start, StringView path);
/// linkat(2); `old` is resolved by the caller.
KResult<void> link(const FsContext& context, const Path& old, const Path& start, StringView path);
KResult<void> unlink(const FsContext& context, const Path& start, StringView path);
KResult<void> rmdir(const FsContext& context, const Path& start, StringView path);
/// renameat2(2). `flags`: RenameFlag.
KResult<void> rename(const FsContext& context, const Path& old_start, StringView old_path,
                     const Path& new_start, StringView new_path, u32 flags);
/// The text of a symbolic link. EINVAL for other files.
KResult<String> readlink(const FsContext& context, const Path& path);

KResult<void> chmod(const FsContext& context, const Path& path, u32 mode);
/// ~0 keeps an id.
KResult<void> chown(const FsContext& context, const Path& path, u32 uid, u32 gid);
/// truncate(2).
KResult<void> truncate(const FsContext& context, const Path& path, i64 size);
/// access(2): `mode` is AccessMode; `who` is the real or the effective identity.
KResult<void> access(const FsCredentials& who, const Path& path, u32 mode);

/// One of the two times of utimensat(2).
struct TimeChange {
  enum class How : u8 { kKeep, kNow, kSet } how = How::kNow;
  TimeSpec time{};
};
KResult<void> set_times(const FsContext& context, const Path& path, const TimeChange& atime,
                        const TimeChange& mtime);

/// Directory checks of chdir(2): search permission.
KResult<void> check_chdir(const FsContext& context, const Path& path);
StatFs statfs(const Path& path);
Stat stat(const Path& path);
Statx statx(const Path& path);
/// sync(2): every mounted file system.
KResult<void> sync_all();

}  // namespace kernel::vfs
