// clone3: a child as fork makes it, with a descriptor of it (CLONE_PIDFD); what it refuses.
// @no-qemu-user it knows clone alone
// @native
//
// > child told 7, descriptor closes on exec 1
// > a signal of its own: CHLD 0, waits with __WALL 1
// > cleared handlers: default 1
// > errors: EINVAL EINVAL EINVAL E2BIG
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int children;
static void on_child(int signo) { children += signo == SIGCHLD; }
static const char *name(void) { return strerrorname_np(errno); }
static pid_t make(struct clone_args *args, size_t bytes) { return (pid_t)syscall(SYS_clone3, args, bytes); }

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  int told = -1;
  struct clone_args args = {.flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&told, .exit_signal = SIGCHLD};
  if (make(&args, sizeof args) == 0) _exit(7);
  siginfo_t info = {0};
  waitid(P_PIDFD, (id_t)told, &info, WEXITED);
  printf("child told %d, descriptor closes on exec %d\n", info.si_status, fcntl(told, F_GETFD));

  signal(SIGCHLD, on_child);
  args = (struct clone_args){.exit_signal = 0};
  pid_t child = make(&args, sizeof args);
  if (child == 0) _exit(0);
  int waited = waitpid(child, NULL, __WALL) == child;
  printf("a signal of its own: CHLD %d, waits with __WALL %d\n", children, waited);

  args = (struct clone_args){.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
  child = make(&args, sizeof args);
  if (child == 0) {
    struct sigaction action;
    sigaction(SIGCHLD, NULL, &action);
    _exit(action.sa_handler == SIG_DFL);
  }
  int status;
  waitpid(child, &status, 0);
  printf("cleared handlers: default %d\n", WEXITSTATUS(status));

  args = (struct clone_args){.flags = CLONE_THREAD};
  printf("errors: %s ", make(&args, sizeof args) < 0 ? name() : "-");
  args = (struct clone_args){.flags = SIGCHLD};
  printf("%s ", make(&args, sizeof args) < 0 ? name() : "-");
  args = (struct clone_args){.exit_signal = SIGCHLD};
  printf("%s ", make(&args, 32) < 0 ? name() : "-");
  printf("%s\n", make(&args, 1 << 20) < 0 ? name() : "-");
}
