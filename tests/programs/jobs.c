// Process groups, sessions, stopping and continuing, waitid, orphans, vfork, exec in threads.
// @no-qemu-user qemu-user shares no memory in vfork and loses threads at exec
// > stop: 1 1 19
// > nothing yet: 0
// > continued: 1
// > peek: code 1 status 4
// > waitid 0 signo 17 pid 1
// > none: ECHILD
// > bad options: EINVAL
// > group 1, other ESRCH
// > kill group: ok 1
// > no such group: ESRCH
// > session 1, twice EPERM
// > orphan 1 9
// > vfork shares: 2
// > spawn absent: 2
// > exec from a thread: pid kept 1
// > same pid: 1 status 3
// > exit with threads: 6
// > crash with threads: 11
// > ignored child: ECHILD
// > preempted and killed: 9
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char* err(long r) { return r < 0 ? strerrorname_np(errno) : "ok"; }
static char* self_path;

static void* exec_thread(void* arg) {
  (void)arg;
  char* argv[] = {self_path, "ended", NULL};
  execv(self_path, argv);
  return NULL;
}
static void* idle(void* arg) {
  (void)arg;
  for (;;) pause();
  return NULL;
}

int main(int argc, char** argv) {
  if (argc > 1) {
    printf("exec from a thread: pid kept %d\n", getppid() > 0);
    return 3;
  }
  static char path[4096];
  if (readlink("/proc/self/exe", path, sizeof path - 1) < 0) return 1;
  self_path = path;
  (void)argv;
  int status;
  siginfo_t info;
  setvbuf(stdout, NULL, _IONBF, 0);
  pid_t child = fork();
  if (child == 0) {
    raise(SIGSTOP);
    _exit(4);
  }
  printf("stop: %d", waitpid(child, &status, WUNTRACED) == child);
  printf(" %d %d\n", WIFSTOPPED(status), WSTOPSIG(status));
  printf("nothing yet: %d\n", waitpid(child, &status, WNOHANG));
  kill(child, SIGCONT);
  waitid(P_PID, child, &info, WCONTINUED);
  printf("continued: %d\n", info.si_code == CLD_CONTINUED);
  waitid(P_PID, child, &info, WEXITED | WNOWAIT);
  printf("peek: code %d status %d\n", info.si_code, info.si_status);
  memset(&info, 0, sizeof info);
  printf("waitid %d", waitid(P_ALL, 0, &info, WEXITED));
  printf(" signo %d pid %d\n", info.si_signo, info.si_pid == child);
  printf("none: %s\n", err(waitpid(-1, &status, 0)));
  printf("bad options: %s\n", err(waitid(P_ALL, 0, &info, 0)));

  child = fork();
  if (child == 0) {
    setpgid(0, 0);
    for (;;) pause();
  }
  setpgid(child, child);
  printf("group %d, other %s\n", getpgid(child) == child, err(getpgid(99999)));
  printf("kill group: %s", err(kill(-child, SIGTERM)));
  printf(" %d\n", waitpid(-child, &status, 0) == child && WTERMSIG(status) == SIGTERM);
  printf("no such group: %s\n", err(kill(-child, 0)));
  child = fork();
  if (child == 0) {
    int ok = setsid() == getpid() && getsid(0) == getpid() && getpgrp() == getpid();
    printf("session %d, twice %s\n", ok, err(setsid()));
    _exit(0);
  }
  waitpid(child, &status, 0);

  // An orphan goes to the subreaper.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  child = fork();
  if (child == 0) {
    if (fork() == 0) {
      usleep(20000);
      _exit(9);
    }
    _exit(0);
  }
  waitpid(child, &status, 0);
  pid_t orphan = wait(&status);
  printf("orphan %d %d\n", orphan != child, WEXITSTATUS(status));

  volatile int shared = 1;
  child = vfork();
  if (child == 0) {
    shared = 2;
    _exit(0);
  }
  waitpid(child, &status, 0);
  printf("vfork shares: %d\n", shared);
  char* args[] = {"/absent", NULL};
  printf("spawn absent: %d\n", posix_spawn(&child, "/absent", NULL, NULL, args, NULL));

  child = fork();
  if (child == 0) {
    pthread_t threads[3];
    pthread_create(&threads[0], NULL, idle, NULL);
    pthread_create(&threads[1], NULL, idle, NULL);
    pthread_create(&threads[2], NULL, exec_thread, NULL);
    for (;;) pause();
  }
  printf("same pid: %d", waitpid(child, &status, 0) == child);
  printf(" status %d\n", WEXITSTATUS(status));
  child = fork();
  if (child == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, idle, NULL);
    usleep(1000);
    exit(6);
  }
  waitpid(child, &status, 0);
  printf("exit with threads: %d\n", WEXITSTATUS(status));
  child = fork();
  if (child == 0) {
    pthread_t thread;
    pthread_create(&thread, NULL, idle, NULL);
    usleep(1000);
    *(volatile int*)0 = 0;
  }
  waitpid(child, &status, 0);
  printf("crash with threads: %d\n", WTERMSIG(status));
  signal(SIGCHLD, SIG_IGN);
  child = fork();
  if (child == 0) _exit(0);
  printf("ignored child: %s\n", err(waitpid(child, &status, 0)));
  // Two that spin share the hart.
  signal(SIGCHLD, SIG_DFL);
  child = fork();
  if (child == 0)
    for (;;) {
    }
  for (volatile long i = 0; i < 100000000; ++i) {
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  printf("preempted and killed: %d\n", WTERMSIG(status));
  return 0;
}
