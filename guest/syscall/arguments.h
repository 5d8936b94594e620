// What many handlers do with their arguments: paths, descriptors, times, vectors.
#pragma once

#include "guest/fs/file.h"
#include "guest/fs/path.h"
#include "guest/hal/user_access.h"
#include "guest/lib/string.h"
#include "guest/proc/process.h"
#include "guest/syscall/handlers.h"

namespace kernel {

/// A path of user memory. EFAULT, ENAMETOOLONG, ENOMEM.
KResult<String> user_path(VirtAddr text);
/// Where a relative path begins for a directory descriptor; absolute ones do not look at it. EBADF.
KResult<Path> start_of(i32 dirfd, StringView path);

/// The file that (dirfd, path) names. `flags`: ResolveFlag.
KResult<Path> resolve_at(i32 dirfd, StringView path, u32 flags);
/// The same for calls with AT_* flags: AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH are understood.
KResult<Path> resolve_user_path(i32 dirfd, VirtAddr path, u32 at_flags);
/// EINVAL when `flags` has a bit outside of `allowed`.
KResult<void> check_flags(u64 flags, u64 allowed);

/// An open file by descriptor. EBADF.
KResult<RefPtr<File>> file_of(i32 fd);
/// The same for O_PATH ones too.
KResult<RefPtr<File>> any_file_of(i32 fd);
/// Gives the running task a new descriptor. EMFILE.
KResult<i64> install_file(RefPtr<File> file, u32 open_flags);
u64 open_files_limit();

inline constexpr u64 kNsPerSecond = 1'000'000'000;

/// A time span or point in ns, saturating. EFAULT, EINVAL for a negative or denormal one.
KResult<u64> user_timespec_ns(VirtAddr time);
TimeSpec to_timespec(u64 ns);
struct TimeVal {
  i64 seconds;
  i64 microseconds;
};
/// EINVAL.
KResult<u64> timeval_ns(const TimeVal& time);
TimeVal to_timeval(u64 ns);
/// now + span on the monotonic clock, saturating.
u64 deadline_after(u64 span_ns);

/// sigset arguments: `bytes` must be 8. EINVAL, EFAULT.
KResult<SigSet> user_sigset(VirtAddr set, u64 bytes);

}  // namespace kernel
