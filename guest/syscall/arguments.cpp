#include "guest/syscall/arguments.h"

#include "guest/hal/time.h"
#include "guest/lib/unique_ptr.h"

namespace kernel {

KResult<String> user_path(VirtAddr text) {
  // Too long for the kernel stack; most paths are short, so try a small piece first.
  char small[256];
  const usize length = TRY(strncpy_from_user(small, text, sizeof(small)));
  if (length < sizeof(small)) {
    return String::from(StringView(small, length));
  }
  Vector<char> large;
  TRY(large.resize(kPathMax));
  const usize whole = TRY(strncpy_from_user(large.data(), text, kPathMax));
  if (whole == kPathMax) {
    return Err(Errno::kENAMETOOLONG);
  }
  return String::from(StringView(large.data(), whole));
}

KResult<Path> start_of(i32 dirfd, StringView path) {
  if (dirfd == kAtFdCwd || (!path.empty() && path.front() == '/')) {
    return current_fs().cwd;
  }
  return TRY(any_file_of(dirfd))->path();
}

KResult<Path> resolve_at(i32 dirfd, StringView path, u32 flags) {
  const Path start = TRY(start_of(dirfd, path));
  return resolve(current_fs(), start, path, flags);
}

KResult<Path> resolve_user_path(i32 dirfd, VirtAddr path, u32 at_flags) {
  String text;
  // A null path with AT_EMPTY_PATH is taken for an empty one, as Linux does since 6.11.
  if (path.value != 0 || (at_flags & kAtEmptyPath) == 0) {
    text = TRY(user_path(path));
  }
  const u32 flags = ((at_flags & kAtSymlinkNoFollow) != 0 ? 0 : u32{kResolveFollow}) |
                    ((at_flags & kAtEmptyPath) != 0 ? u32{kResolveEmpty} : 0);
  return resolve_at(dirfd, text, flags);
}

KResult<void> check_flags(u64 flags, u64 allowed) {
  return (flags & ~allowed) == 0 ? KResult<void>() : KResult<void>(Err(Errno::kEINVAL));
}

KResult<RefPtr<File>> file_of(i32 fd) { return current_task().files().get(fd); }
KResult<RefPtr<File>> any_file_of(i32 fd) { return current_task().files().get(fd, FdTable::Want::kAnyFile); }

u64 open_files_limit() { return current_process().limits[Resource::kOpenFiles].soft; }

KResult<i64> install_file(RefPtr<File> file, u32 open_flags) {
  const auto cloexec = (open_flags & kOpenCloseOnExec) != 0 ? CloseOnExec::kYes : CloseOnExec::kNo;
  return i64{TRY(current_task().files().install(std::move(file), cloexec, open_files_limit()))};
}

KResult<u64> user_timespec_ns(VirtAddr address) {
  const auto time = TRY(get_user<TimeSpec>(address));
  if (time.seconds < 0 || time.nanoseconds < 0 || time.nanoseconds >= static_cast<i64>(kNsPerSecond)) {
    return Err(Errno::kEINVAL);
  }
  u64 ns = 0;
  if (__builtin_mul_overflow(static_cast<u64>(time.seconds), kNsPerSecond, &ns) ||
      __builtin_add_overflow(ns, static_cast<u64>(time.nanoseconds), &ns)) {
    return ~u64{0} - 1;
  }
  return ns;
}

TimeSpec to_timespec(u64 ns) {
  return {static_cast<i64>(ns / kNsPerSecond), static_cast<i64>(ns % kNsPerSecond)};
}

KResult<u64> timeval_ns(const TimeVal& time) {
  if (time.seconds < 0 || time.microseconds < 0 || time.microseconds >= 1'000'000) {
    return Err(Errno::kEINVAL);
  }
  u64 ns = 0;
  if (__builtin_mul_overflow(static_cast<u64>(time.seconds), kNsPerSecond, &ns) ||
      __builtin_add_overflow(ns, static_cast<u64>(time.microseconds) * 1000, &ns)) {
    return ~u64{0} - 1;
  }
  return ns;
}

TimeVal to_timeval(u64 ns) {
  return {static_cast<i64>(ns / kNsPerSecond), static_cast<i64>(ns % kNsPerSecond / 1000)};
}

u64 deadline_after(u64 span_ns) {
  u64 deadline = 0;
  return __builtin_add_overflow(monotonic_ns(), span_ns, &deadline) ? kNoDeadline - 1 : deadline;
}

KResult<SigSet> user_sigset(VirtAddr set, u64 bytes) {
  if (bytes != sizeof(SigSet)) {
    return Err(Errno::kEINVAL);
  }
  return get_user<SigSet>(set);
}

}  // namespace kernel
