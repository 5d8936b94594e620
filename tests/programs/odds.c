// Calls that stand alone: waiting for several futexes, other processes' memory, unsharing, chroot, setting the clock.
// @no-qemu-user it knows none of the first two
// @native
//
// > waitv: word 1 woken, none ready EAGAIN, late ETIMEDOUT, none EINVAL
// > their memory: read "child", wrote "parent" 1, hole EFAULT, part 4096, nobody ESRCH
// > unshare files: parent keeps its descriptor 1
// > unshare fs: parent keeps its directory 1
// > chroot: sees /inside 1, dot-dot stays 1
// > errors: EACCES EPERM EINVAL
// > large files: 1
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct word {
  uint64_t value, address;
  uint32_t flags, reserved;
};
static uint32_t words[3];
static const char *result(long value) { return value >= 0 ? "0" : strerrorname_np(errno); }

static long wait_all(uint32_t expected, int count, struct timespec *until) {
  struct word all[3];
  for (int i = 0; i < 3; ++i) all[i] = (struct word){expected, (uint64_t)(uintptr_t)&words[i], 2 | 128, 0};
  return syscall(449, all, count, 0, until, CLOCK_MONOTONIC);
}
static void *wake_later(void *unused) {
  usleep(30000);
  syscall(SYS_futex, &words[1], FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1);
  return unused;
}

static int fd;
static int unshare_files(void *unused) {
  (void)unused;
  unshare(CLONE_FILES);
  return close(fd);
}
static int unshare_fs(void *unused) {
  (void)unused;
  unshare(CLONE_FS);
  return chdir("/tmp");
}

int main(void) {
  pthread_t thread;
  setvbuf(stdout, NULL, _IOLBF, 0);
  pthread_create(&thread, NULL, wake_later, NULL);
  printf("waitv: word %ld woken, ", wait_all(0, 3, NULL));
  pthread_join(thread, NULL);
  printf("none ready %s, ", result(wait_all(7, 3, NULL)));
  struct timespec soon;
  clock_gettime(CLOCK_MONOTONIC, &soon);
  soon.tv_nsec += 10000000;
  if (soon.tv_nsec >= 1000000000) ++soon.tv_sec, soon.tv_nsec -= 1000000000;
  printf("late %s, ", result(wait_all(0, 3, &soon)));
  printf("none %s\n", result(wait_all(0, 0, NULL)));

  char *at = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), copy[8192] = "";
  int ready[2], go[2];
  if (pipe(ready) || pipe(go)) return 1;
  pid_t child = fork();
  if (child == 0) {
    strcpy(at, "child");
    munmap(at + 4096, 4096);
    write(ready[1], "x", 1);
    char byte;
    read(go[0], &byte, 1);
    _exit(!strcmp(at, "parent"));
  }
  char byte;
  read(ready[0], &byte, 1);
  struct iovec here = {copy, 6}, there = {at, 6}, hole = {at + 4096, 6}, both = {at, 8192}, whole = {copy, 8192};
  process_vm_readv(child, &here, 1, &there, 1, 0);
  printf("their memory: read \"%s\", ", copy);
  here.iov_base = "parent";
  here.iov_len = there.iov_len = 7;
  process_vm_writev(child, &here, 1, &there, 1, 0);
  const char *refused = result(process_vm_readv(child, &whole, 1, &hole, 1, 0));
  long part = process_vm_readv(child, &whole, 1, &both, 1, 0);
  write(go[1], "x", 1);
  int status;
  waitpid(child, &status, 0);
  printf("wrote \"parent\" %d, hole %s, part %ld, nobody %s\n", WEXITSTATUS(status), refused, part,
         result(process_vm_readv(child, &whole, 1, &both, 1, 0)));

  static char stack[65536];
  fd = open("/", O_RDONLY);
  child = clone(unshare_files, stack + sizeof stack, CLONE_FILES | SIGCHLD, NULL);
  waitpid(child, NULL, 0);
  printf("unshare files: parent keeps its descriptor %d\n", fcntl(fd, F_GETFD) >= 0);
  chdir("/");
  child = clone(unshare_fs, stack + sizeof stack, CLONE_FS | SIGCHLD, NULL);
  waitpid(child, NULL, 0);
  char cwd[64];
  printf("unshare fs: parent keeps its directory %d\n", !strcmp(getcwd(cwd, sizeof cwd), "/"));

  char root[] = "/tmp/root-XXXXXX", name[64];
  mkdtemp(root);
  snprintf(name, sizeof name, "%s/inside", root);
  mkdir(name, 0700);
  fflush(stdout);
  if (fork() == 0) {
    struct stat stat_buffer;
    chroot(root);
    chdir("/");
    int sees = stat("/inside", &stat_buffer) == 0, stays = stat("/../../inside", &stat_buffer) == 0;
    printf("chroot: sees /inside %d, dot-dot stays %d\n", sees, stays);
    setuid(65534);
    printf("errors: %s ", result(chroot("/")));
    printf("%s ", result(clock_settime(CLOCK_REALTIME, &(struct timespec){1, 0})));
    printf("%s\n", result(clock_settime(CLOCK_MONOTONIC, &(struct timespec){1, 0})));
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  rmdir(name);
  rmdir(root);
  FILE *info = fopen("/proc/self/fdinfo/0", "r");
  snprintf(name, sizeof name, "/proc/self/fdinfo/%d", open("/", O_RDONLY));
  unsigned flags = 0;
  char line[64];
  fclose(info);
  info = fopen(name, "r");
  while (fgets(line, sizeof line, info)) sscanf(line, "flags: %o", &flags);
  printf("large files: %d\n", (flags & 0100000) != 0);
}
