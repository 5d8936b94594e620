// System-call numbers of Linux riscv64 and the kinds of their arguments, both from syscalls.inc.
#pragma once

#include "quire/arch/types.h"

namespace quire::arch {

/// How a tracer shows an argument. `none` ends the list.
enum class SyscallArg : u8 {
  k_none,
  k_int,              ///< signed decimal, 32 bits
  k_uint,             ///< unsigned decimal, 32 bits
  k_hex,              ///< flags without a family of their own, opaque numbers
  k_size,             ///< unsigned decimal, 64 bits
  k_offset,           ///< signed decimal, 64 bits
  k_ptr,              ///< user address, contents not shown
  k_fd,               ///< file descriptor
  k_dirfd,            ///< file descriptor or AT_FDCWD (-100)
  k_path,             ///< NUL-terminated path
  k_str,              ///< NUL-terminated text
  k_buf_in,           ///< bytes the kernel reads; the next argument is their length
  k_buf_out,          ///< bytes the kernel fills; the result is their length
  k_iovec_in,         ///< struct iovec[next argument], read by the kernel
  k_iovec_out,        ///< struct iovec[next argument], filled by the kernel
  k_argv,             ///< NULL-terminated vector of strings
  k_fd_pair_out,      ///< int[2], filled by the kernel
  k_pollfds,          ///< struct pollfd[next argument]
  k_sigset,           ///< u64 const*, a set of signals
  k_timespec,         ///< struct timespec const*
  k_wait_status_out,  ///< int*, as wait4(2) stores it
  k_mode,             ///< octal
  k_pid,
  k_uid,
  k_gid,
  k_signal,        ///< signal number
  k_sig_how,       ///< SIG_BLOCK ...
  k_clock,         ///< CLOCK_REALTIME ...
  k_resource,      ///< RLIMIT_AS ...
  k_whence,        ///< SEEK_SET ...
  k_advice,        ///< MADV_DONTNEED ...
  k_prot,          ///< PROT_READ ...
  k_map_flags,     ///< MAP_PRIVATE ...
  k_mremap_flags,  ///< MREMAP_MAYMOVE ...
  k_msync_flags,   ///< MS_SYNC ...
  k_open_flags,    ///< O_RDONLY ...
  k_at_flags,      ///< AT_SYMLINK_NOFOLLOW ...
  k_access_mode,   ///< R_OK ...
  k_clone_flags,   ///< CLONE_VM ... | exit signal
  k_wait_options,  ///< WNOHANG ...
  k_futex_op,      ///< FUTEX_WAIT ... | FUTEX_PRIVATE_FLAG
  k_fcntl_cmd,     ///< F_GETFL ...
  k_ioctl_cmd,     ///< TCGETS ...
  k_prctl_op,      ///< PR_SET_NAME ...
};

enum class Syscall : u32 {
#define QUIRE_SYSCALL(number, name, ...) k_##name = (number),
#define QUIRE_SYSCALL_KNOWN(number, name, ...) k_##name = (number),
#include "quire/arch/linux/syscalls.inc"
#undef QUIRE_SYSCALL
#undef QUIRE_SYSCALL_KNOWN
};

inline constexpr unsigned kSyscallArgs = 6;
/// First number above every known one.
inline constexpr unsigned kSyscallEnd = 463;

}  // namespace quire::arch
