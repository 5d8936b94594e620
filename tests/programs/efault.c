// Bad pointers, descriptors and flags in every direction: an errno each, and the system lives.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t state = 88172645463325252ull;
static uint64_t next(void) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return state;
}

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
  printf("edge: %zd\n", write(fd, edge + 4000, 200));
  TRY_CALL(SYS_openat, AT_FDCWD, edge + 4090, O_RDONLY);
  // Anything at all, in children that may die of it.
  static const int skip[] = {SYS_exit, SYS_exit_group, SYS_reboot, SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo,
                             SYS_rt_sigsuspend, SYS_clone, SYS_clone3, SYS_rt_sigtimedwait, SYS_nanosleep,
                             SYS_clock_nanosleep, SYS_ppoll, SYS_pselect6, SYS_read, SYS_readv, SYS_futex, SYS_rt_sigreturn};
  uint64_t values[] = {0, 1, 2, 8, 4095, 4096, (uint64_t)edge, (uint64_t)edge + 4095, (uint64_t)bad, (uint64_t)kernel,
                       ~0ull, ~0ull - 4095, 1ull << 63, 1ull << 38, (1ull << 38) - 4096, 0x7fffffff, 0x80000000, (uint64_t)fd};
  fflush(stdout);
  for (int round = 0; round < 40; ++round) {
    pid_t child = fork();
    if (child == 0) {
      state += (uint64_t)round * 7919;
      alarm(2);
      int null = open("/dev/null", O_RDWR);
      dup2(null, 1), dup2(null, 2), dup2(null, 0);
      for (int i = 0; i < 500; ++i) {
        long number = (long)(next() % 470);
        int skipped = 0;
        for (unsigned k = 0; k < sizeof skip / sizeof *skip; ++k) skipped |= skip[k] == number;
        if (skipped) continue;
        uint64_t a[6];
        for (int k = 0; k < 6; ++k) a[k] = next() % 4 ? values[next() % (sizeof values / sizeof *values)] : next();
        syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
      }
      _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
  }
  puts("alive");
  return 0;
}
