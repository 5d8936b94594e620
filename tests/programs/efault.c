// Bad pointers, descriptors and flags in every direction: an errno each, and the system lives.
// @no-qemu-user qemu-user checks fewer pointers before it acts
// > SYS_read, fd, bad, 4: EFAULT
// > SYS_read, fd, kernel, 4: EFAULT
// > SYS_write, fd, bad, 4: EFAULT
// > SYS_write, fd, kernel, 4: EFAULT
// > SYS_read, fd, &state, -1: EFAULT
// > SYS_write, fd, &state, -1: EFAULT
// > SYS_pwrite64, fd, &state, 1ul << 40, 0: EFAULT
// > SYS_openat, AT_FDCWD, bad, O_RDONLY: EFAULT
// > SYS_openat, AT_FDCWD, kernel, O_RDONLY: EFAULT
// > SYS_newfstatat, AT_FDCWD, "/", bad, 0: EFAULT
// > SYS_newfstatat, AT_FDCWD, "/", bad, 0x40000000: EINVAL
// > SYS_pipe2, bad, 0: EFAULT
// > SYS_pipe2, bad, 0x1000000: EINVAL
// > SYS_rt_sigaction, SIGUSR1, bad, 0, 8: EFAULT
// > SYS_rt_sigaction, SIGUSR1, 0, kernel, 8: EFAULT
// > SYS_rt_sigaction, 65, 0, 0, 8: EINVAL
// > SYS_rt_sigprocmask, 7, &state, 0, 8: EINVAL
// > SYS_rt_sigprocmask, 0, bad, 0, 8: EFAULT
// > SYS_rt_sigprocmask, 0, 0, 0, 4: EINVAL
// > SYS_clock_gettime, 0, bad: EFAULT
// > SYS_nanosleep, bad, 0: EFAULT
// > SYS_uname, bad: EFAULT
// > SYS_getrandom, bad, 16, 0: EFAULT
// > SYS_getrandom, &state, 8, 99: EINVAL
// > SYS_wait4, -1, bad, 0, 0: ECHILD
// > SYS_wait4, -1, 0, 0x1234, 0: EINVAL
// > SYS_getcwd, bad, 100: EFAULT
// > SYS_getdents64, fd, bad, 100: ENOTDIR
// > SYS_writev, fd, bad, 2: EFAULT
// > SYS_writev, fd, &state, -1: EINVAL
// > SYS_ppoll, bad, 1, 0, 0, 0: EFAULT
// > SYS_prlimit64, 0, 99, 0, 0: EINVAL
// > SYS_prlimit64, 0, 3, bad, 0: EFAULT
// > SYS_clone, 0x10000, 0, 0, 0, 0: EINVAL
// > SYS_clone3, bad, 88: EFAULT
// > SYS_clone3, bad, 3: EINVAL
// > SYS_futex, bad, 0, 0, 0, 0, 0: EFAULT
// > SYS_execve, bad, 0, 0: EFAULT
// > SYS_sigaltstack, bad, 0: EFAULT
// > SYS_close, 12345: EBADF
// > SYS_close, -1: EBADF
// > SYS_dup3, fd, 1 << 30, 0: EBADF
// > SYS_fcntl, fd, 4242, 0: EINVAL
// > SYS_ioctl, fd, 0x5401, bad: ENOTTY
// > SYS_kill, getpid(), 65: EINVAL
// > SYS_tgkill, -1, -1, 0: EINVAL
// > SYS_lseek, fd, -1, SEEK_SET: EINVAL
// > SYS_pread64, fd, &state, 8, -1: EINVAL
// > 9999: ENOSYS
// > -1: ENOSYS
// > edge: 64
// > SYS_openat, AT_FDCWD, edge + 4090, O_RDONLY: EFAULT
// > end
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t state = 88172645463325252ull;

#define TRY_CALL(...)                                                                       \
  do {                                                                                      \
    errno = 0;                                                                              \
    long result_ = syscall(__VA_ARGS__);                                                    \
    printf("%s: %s\n", #__VA_ARGS__, result_ < 0 ? strerrorname_np(errno) : "ok");          \
  } while (0)

int main(void) {
  char* bad = (char*)0x10;
  char* kernel = (char*)0xffffffc080200000;
  int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
  if (fd < 0) fd = open("/tmp/efault", O_RDWR | O_CREAT, 0600);
  if (write(fd, "data", 4) != 4) return 1;
  lseek(fd, 0, SEEK_SET);
  TRY_CALL(SYS_read, fd, bad, 4);
  TRY_CALL(SYS_read, fd, kernel, 4);
  TRY_CALL(SYS_write, fd, bad, 4);
  TRY_CALL(SYS_write, fd, kernel, 4);
  TRY_CALL(SYS_read, fd, &state, -1);
  TRY_CALL(SYS_write, fd, &state, -1);
  TRY_CALL(SYS_pwrite64, fd, &state, 1ul << 40, 0);
  TRY_CALL(SYS_openat, AT_FDCWD, bad, O_RDONLY);
  TRY_CALL(SYS_openat, AT_FDCWD, kernel, O_RDONLY);
  TRY_CALL(SYS_newfstatat, AT_FDCWD, "/", bad, 0);
  TRY_CALL(SYS_newfstatat, AT_FDCWD, "/", bad, 0x40000000);
  TRY_CALL(SYS_pipe2, bad, 0);
  TRY_CALL(SYS_pipe2, bad, 0x1000000);
  TRY_CALL(SYS_rt_sigaction, SIGUSR1, bad, 0, 8);
  TRY_CALL(SYS_rt_sigaction, SIGUSR1, 0, kernel, 8);
  TRY_CALL(SYS_rt_sigaction, 65, 0, 0, 8);
  TRY_CALL(SYS_rt_sigprocmask, 7, &state, 0, 8);
  TRY_CALL(SYS_rt_sigprocmask, 0, bad, 0, 8);
  TRY_CALL(SYS_rt_sigprocmask, 0, 0, 0, 4);
  TRY_CALL(SYS_clock_gettime, 0, bad);
  TRY_CALL(SYS_nanosleep, bad, 0);
  TRY_CALL(SYS_uname, bad);
  TRY_CALL(SYS_getrandom, bad, 16, 0);
  TRY_CALL(SYS_getrandom, &state, 8, 99);
  TRY_CALL(SYS_wait4, -1, bad, 0, 0);
  TRY_CALL(SYS_wait4, -1, 0, 0x1234, 0);
  TRY_CALL(SYS_getcwd, bad, 100);
  TRY_CALL(SYS_getdents64, fd, bad, 100);
  TRY_CALL(SYS_writev, fd, bad, 2);
  TRY_CALL(SYS_writev, fd, &state, -1);
  TRY_CALL(SYS_ppoll, bad, 1, 0, 0, 0);
  TRY_CALL(SYS_prlimit64, 0, 99, 0, 0);
  TRY_CALL(SYS_prlimit64, 0, 3, bad, 0);
  TRY_CALL(SYS_clone, 0x10000, 0, 0, 0, 0);
  TRY_CALL(SYS_clone3, bad, 88);
  TRY_CALL(SYS_clone3, bad, 3);
  TRY_CALL(SYS_futex, bad, 0, 0, 0, 0, 0);
  TRY_CALL(SYS_execve, bad, 0, 0);
  TRY_CALL(SYS_sigaltstack, bad, 0);
  TRY_CALL(SYS_close, 12345);
  TRY_CALL(SYS_close, -1);
  TRY_CALL(SYS_dup3, fd, 1 << 30, 0);
  TRY_CALL(SYS_fcntl, fd, 4242, 0);
  TRY_CALL(SYS_ioctl, fd, 0x5401, bad);
  TRY_CALL(SYS_kill, getpid(), 65);
  TRY_CALL(SYS_tgkill, -1, -1, 0);
  TRY_CALL(SYS_lseek, fd, -1, SEEK_SET);
  TRY_CALL(SYS_pread64, fd, &state, 8, -1);
  TRY_CALL(9999);
  TRY_CALL(-1);
  // A page that ends in nothing: what fits is moved.
  char* edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(edge + 4096, 4096);
  memset(edge, 'e', 4096);
  // 64 of them: Linux' copy loop for riscv64 moves whole blocks of 64, and never ends where a block is cut.
  printf("edge: %zd\n", write(fd, edge + 4032, 200));
  TRY_CALL(SYS_openat, AT_FDCWD, edge + 4090, O_RDONLY);
  puts("end");
  return 0;
}
