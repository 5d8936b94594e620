// A member that stops in a process group which has long been orphaned: nobody is hung up when another member ends.
// (setpgid(2) and POSIX, exit: only the end of the process that tied the group to its session does that.)
// > stopped
// > another has ended, nobody was hung up
// > the tie ends: 1 1
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile struct {
  int hung_up, continued;
} *seen;

static void on_hangup(int signal) {
  (void)signal;
  seen->hung_up++;
}
static void on_continue(int signal) {
  (void)signal;
  seen->continued++;
}

/// In a session of its own, whose only group is orphaned from the start.
static void long_orphaned(void) {
  setsid();
  const pid_t stopping = fork();
  if (stopping == 0) {
    raise(SIGSTOP);
    _exit(0);
  }
  int status;
  waitpid(stopping, &status, WUNTRACED);
  if (WIFSTOPPED(status)) puts("stopped");
  const pid_t ending = fork();
  if (ending == 0) _exit(0);
  waitpid(ending, &status, 0);
  puts(seen->hung_up == 0 ? "another has ended, nobody was hung up" : "hung up");
  fflush(stdout);
  kill(stopping, SIGKILL);
  waitpid(stopping, &status, 0);
  _exit(0);
}

/// The middle process is all that ties the group of the one beneath it to the session.
static void tied(void) {
  setsid();
  int ready[2];
  if (pipe(ready) != 0) _exit(1);
  const pid_t middle = fork();
  if (middle == 0) {
    const pid_t lowest = fork();
    if (lowest == 0) {
      setpgid(0, 0);
      signal(SIGHUP, &on_hangup);
      signal(SIGCONT, &on_continue);
      close(ready[0]);
      raise(SIGSTOP);
      _exit(0);  // closes the last writing end
    }
    int status;
    waitpid(lowest, &status, WUNTRACED);
    _exit(0);
  }
  close(ready[1]);
  int status;
  waitpid(middle, &status, 0);
  char byte;
  (void)!read(ready[0], &byte, 1);
  printf("the tie ends: %d %d\n", seen->hung_up, seen->continued);
  fflush(stdout);
  _exit(0);
}

static void in_a_child(void (*what)(void)) {
  const pid_t child = fork();
  if (child == 0) what();
  int status;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) printf("status %x\n", (unsigned)status);
}

int main(void) {
  seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  in_a_child(long_orphaned);
  in_a_child(tied);
  return 0;
}
