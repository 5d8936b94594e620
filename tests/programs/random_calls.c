// Any system call with any arguments, in children that may die of it: the system lives.
//
// Never on a Linux that matters: under QEMU's user mode the calls reach the host, as whoever runs them (a random
// fchmod of a descriptor on /dev/null changes the host's). So it asks first where it is.
// @no-qemu-user its calls would be let loose on the host
// @no-linux it would reboot it sooner or later, among other things
// > alive
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t state = 88172645463325252ull;
static uint64_t next(void) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return state;
}

static int on_the_supervisor(void) {
  char text[256] = "";
  FILE* file = fopen("/etc/os-release", "r");
  if (file == NULL) return 0;
  size_t n = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  return n > 0 && strstr(text, "ID=quire\n") != NULL;
}

/// A descriptor of each kind, on small numbers that random arguments hit.
static void open_some_of_everything(void) {
  int ends[2];
  sigset_t all;
  sigfillset(&all);
  eventfd(1, EFD_NONBLOCK);
  epoll_create1(0);
  timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  signalfd(-1, &all, SFD_NONBLOCK);
  memfd_create("random", MFD_ALLOW_SEALING);
  syscall(SYS_pidfd_open, getpid(), 0);
  if (pipe(ends) != 0) return;
  for (int type = 1; type <= 5; ++type) socketpair(AF_UNIX, type, 0, ends);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0random"};
  bind(listener, (struct sockaddr*)&name, sizeof(sa_family_t) + 7);
  listen(listener, 3);
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  unlockpt(master);
  open(ptsname(master), O_RDWR);
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 40, calls = argc > 2 ? atoi(argv[2]) : 500;
  if (argc > 3) state ^= strtoull(argv[3], NULL, 10) * 0x9e3779b97f4a7c15ull;
  if (!on_the_supervisor()) {
    puts("only on the supervisor");
    return 2;
  }
  char* bad = (char*)0x10;
  char* kernel = (char*)0xffffffc080200000;
  int fd = open("/tmp/random-calls", O_RDWR | O_CREAT, 0600);
  char* edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(edge + 4096, 4096);
  memset(edge, 'e', 4096);
  static const int skip[] = {SYS_exit, SYS_exit_group, SYS_reboot, SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo,
                             SYS_rt_sigsuspend, SYS_clone, SYS_clone3, SYS_rt_sigtimedwait, SYS_nanosleep,
                             SYS_clock_nanosleep, SYS_ppoll, SYS_pselect6, SYS_read, SYS_readv, SYS_futex, SYS_rt_sigreturn};
  uint64_t values[] = {0, 1, 2, 8, 4095, 4096, (uint64_t)edge, (uint64_t)edge + 4095, (uint64_t)bad, (uint64_t)kernel,
                       ~0ull, ~0ull - 4095, 1ull << 63, 1ull << 38, (1ull << 38) - 4096, 0x7fffffff, 0x80000000, (uint64_t)fd};
  fflush(stdout);
  for (int round = 0; round < rounds; ++round) {
    pid_t child = fork();
    if (child == 0) {
      state += (uint64_t)round * 7919;
      alarm(2);
      int null = open("/dev/null", O_RDWR);
      dup2(null, 1), dup2(null, 2), dup2(null, 0);
      open_some_of_everything();
      for (int i = 0; i < calls; ++i) {
        long number = (long)(next() % 470);
        int skipped = 0;
        for (unsigned k = 0; k < sizeof skip / sizeof *skip; ++k) skipped |= skip[k] == number;
        if (skipped) continue;
        uint64_t a[6];
        for (int k = 0; k < 6; ++k) a[k] = next() % 4 == 1 ? next() % 24 : next() % 4 ? values[next() % (sizeof values / sizeof *values)] : next();
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
