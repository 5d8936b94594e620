// Descriptors of processes: pidfd_open, poll at the end, pidfd_send_signal, waitid(P_PIDFD), pidfd_getfd.
//
// > running: poll 0
// > signalled: 0
// > ended: poll 1, waitid 0 code CLD_KILLED status 10
// > reaped: ESRCH
// > errors: ESRCH EINVAL EBADF EINVAL
// > not yet: EAGAIN
// > other's file: hello
// > link: anon_inode:[pidfd]
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *name(void) { return strerrorname_np(errno); }
static int pidfd_open_(pid_t pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }
static int send_signal(int fd, int signo) { return (int)syscall(SYS_pidfd_send_signal, fd, signo, NULL, 0); }
static int ready(int fd, int timeout) {
  struct pollfd p = {fd, POLLIN, 0};
  return poll(&p, 1, timeout);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  pid_t child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  int fd = pidfd_open_(child, 0);
  printf("running: poll %d\n", ready(fd, 0));
  printf("signalled: %d\n", send_signal(fd, SIGUSR1));
  siginfo_t info = {0};
  int polled = ready(fd, -1), waited = waitid(P_PIDFD, (id_t)fd, &info, WEXITED);
  printf("ended: poll %d, waitid %d code %s status %d\n", polled, waited, info.si_code == CLD_KILLED ? "CLD_KILLED" : "?",
         info.si_status);
  printf("reaped: %s\n", send_signal(fd, 0) < 0 ? name() : "-");
  close(fd);
  printf("errors: %s ", pidfd_open_(child, 0) < 0 ? name() : "-");
  printf("%s ", pidfd_open_(0, 0) < 0 ? name() : "-");
  printf("%s ", send_signal(1, 0) < 0 ? name() : "-");
  printf("%s\n", pidfd_open_(getpid(), 1) < 0 ? name() : "-");

  int go[2], hold[2];
  if (pipe(go) != 0 || pipe(hold) != 0) return 1;
  child = fork();
  if (child == 0) {
    char byte;
    read(go[0], &byte, 1);
    _exit(0);
  }
  fd = pidfd_open_(child, O_NONBLOCK);
  printf("not yet: %s\n", waitid(P_PIDFD, (id_t)fd, &info, WEXITED) < 0 ? name() : "-");
  int theirs = (int)syscall(SYS_pidfd_getfd, fd, hold[1], 0);
  char text[8] = "";
  write(theirs, "hello", 5);
  read(hold[0], text, sizeof text);
  printf("other's file: %s\n", text);
  write(go[1], "x", 1);
  waitpid(child, NULL, 0);

  char path[64], link[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(path, link, sizeof link - 1);
  printf("link: %.*s\n", (int)(n < 0 ? 0 : n), link);
}
