// Delivery: masks, nesting, alternate stack, restart, suspend, timed wait, queueing, FP state, child and pipe signals.
#define _GNU_SOURCE
#include <errno.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile sig_atomic_t depth, deepest, count, last, on_alternate, sender_ok;
static char alternate[65536];

static void nested(int signo) {
  ++depth;
  if (depth > deepest) deepest = depth;
  if (signo == SIGUSR1) raise(SIGUSR2);
  --depth;
}
static void counting(int signo) { ++count, last = signo; }
static void where(int signo, siginfo_t* info, void* context) {
  (void)context;
  char here;
  on_alternate = &here >= alternate && &here < alternate + sizeof alternate;
  sender_ok = info->si_signo == signo && info->si_code == SI_TKILL && info->si_pid == getpid();
}
static void clobber(int signo) {
  (void)signo;
  volatile double x = 1.0;
  for (int i = 0; i < 50; ++i) x = x * 1.5 + i;
  asm volatile("fmv.d.x fs0, zero\n fmv.d.x ft11, zero\n fmv.d.x fa0, zero" ::: "fs0", "ft11", "fa0");
  fesetround(FE_UPWARD);
}
static void skip(int signo, siginfo_t* info, void* context) {
  (void)signo, (void)info;
  ((ucontext_t*)context)->uc_mcontext.__gregs[REG_PC] += 4;
  ((ucontext_t*)context)->uc_mcontext.__gregs[10] = 4242;
}
static void set(int signo, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  sigaction(signo, &action, NULL);
}
static void set_info(int signo, void (*handler)(int, siginfo_t*, void*), int flags) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = flags | SA_SIGINFO};
  sigaction(signo, &action, NULL);
}

int main(void) {
  set(SIGUSR1, nested, 0);
  set(SIGUSR2, nested, 0);
  raise(SIGUSR1);
  printf("nested %d deep, back at %d\n", deepest, depth);

  sigset_t block, old, pending;
  sigemptyset(&block);
  sigaddset(&block, SIGTERM);
  sigprocmask(SIG_BLOCK, &block, &old);
  set(SIGTERM, counting, 0);
  raise(SIGTERM);
  raise(SIGTERM);
  sigpending(&pending);
  printf("blocked: count %d pending %d\n", (int)count, sigismember(&pending, SIGTERM));
  sigprocmask(SIG_SETMASK, &old, NULL);
  printf("unblocked: count %d\n", (int)count);

  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate}, previous;
  sigaltstack(&stack, NULL);
  set_info(SIGURG, where, SA_ONSTACK);
  raise(SIGURG);
  sigaltstack(NULL, &previous);
  printf("alternate stack %d, sender %d, kept %d\n", (int)on_alternate, (int)sender_ok, previous.ss_sp == alternate);

  set(SIGHUP, clobber, 0);
  register double kept asm("fs0") = 2.5;
  asm volatile("" : "+f"(kept));
  raise(SIGHUP);
  asm volatile("" : "+f"(kept));
  printf("fp kept %g, rounding %s\n", kept, fegetround() == FE_TONEAREST ? "kept" : "lost");

  set_info(SIGILL, skip, 0);
  register long a0 asm("a0") = 1;
  asm volatile(".option push\n.option norvc\n.word 0\n.option pop" : "+r"(a0));
  printf("context changed: %ld\n", a0);

  // SA_RESTART: a read is taken up again; without it, EINTR.
  for (int restart = 1; restart >= 0; --restart) {
    int ends[2];
    if (pipe(ends) != 0) return 1;
    set(SIGALRM, counting, restart ? SA_RESTART : 0);
    struct itimerval timer = {.it_value = {.tv_usec = 20000}};
    pid_t child = fork();
    if (child == 0) {
      usleep(100000);
      _exit(write(ends[1], "x", 1) == 1 ? 0 : 1);
    }
    setitimer(ITIMER_REAL, &timer, NULL);
    char byte;
    long n = read(ends[0], &byte, 1);
    printf("restart %d: read %ld %s\n", restart, n, n < 0 ? strerrorname_np(errno) : "ok");
    waitpid(child, NULL, 0);
    close(ends[0]), close(ends[1]);
  }

  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  sigprocmask(SIG_BLOCK, &block, &old);
  set(SIGUSR1, counting, 0);
  pid_t parent = getpid(), child = fork();
  if (child == 0) {
    usleep(20000);
    kill(parent, SIGUSR1);
    _exit(0);
  }
  count = 0;
  int result = sigsuspend(&old);
  printf("sigsuspend %d %s count %d\n", result, strerrorname_np(errno), (int)count);
  waitpid(child, NULL, 0);

  siginfo_t info;
  struct timespec brief = {.tv_nsec = 10000000};
  result = sigtimedwait(&block, &info, &brief);
  printf("sigtimedwait: %d %s\n", result, strerrorname_np(errno));
  union sigval value = {.sival_int = 99};
  sigqueue(getpid(), SIGUSR1, value);
  result = sigtimedwait(&block, &info, &brief);
  printf("queued: %d code %d value %d\n", result == SIGUSR1, info.si_code, info.si_value.sival_int);

  sigemptyset(&block);
  sigaddset(&block, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &block, NULL);
  for (int i = 0; i < 3; ++i) value.sival_int = i, sigqueue(getpid(), SIGRTMIN, value);
  for (int i = 0; i < 3; ++i) {
    sigwaitinfo(&block, &info);
    printf("real-time %d ", info.si_value.sival_int);
  }
  puts("");

  set(SIGCHLD, counting, SA_RESTART);
  count = 0;
  child = fork();
  if (child == 0) _exit(3);
  int status;
  waitpid(child, &status, 0);
  printf("SIGCHLD %d, status %d\n", (int)count, WEXITSTATUS(status));

  set(SIGPIPE, counting, 0);
  int ends[2];
  if (pipe(ends) != 0) return 1;
  close(ends[0]);
  count = 0;
  long n = write(ends[1], "x", 1);
  printf("broken pipe: %ld %s, signals %d\n", n, strerrorname_np(errno), (int)count);

  set(SIGUSR2, counting, SA_RESETHAND);
  raise(SIGUSR2);
  struct sigaction now;
  sigaction(SIGUSR2, NULL, &now);
  printf("reset %d\n", now.sa_handler == SIG_DFL);
  errno = 0;
  set(SIGKILL, counting, 0);
  printf("SIGKILL handler: %s\n", strerrorname_np(errno));
  printf("kill 0: %d, nobody: %s\n", kill(getpid(), 0), kill(99999, 0) < 0 ? strerrorname_np(errno) : "?");

  // Default actions, as a parent sees them.
  int deaths[] = {SIGTERM, SIGKILL, SIGSEGV, SIGQUIT, SIGALRM};
  for (unsigned i = 0; i < 5; ++i) {
    child = fork();
    if (child == 0) {
      signal(deaths[i], SIG_DFL);
      raise(deaths[i]);
      _exit(1);
    }
    waitpid(child, &status, 0);
    printf("death %d: signal %d\n", deaths[i], WTERMSIG(status));
  }
  child = fork();
  if (child == 0) {
    sigemptyset(&block);
    sigaddset(&block, SIGSEGV);
    sigprocmask(SIG_BLOCK, &block, NULL);
    set(SIGSEGV, counting, 0);
    *(volatile int*)0 = 1;  // blocked while it is forced: dies
    _exit(1);
  }
  waitpid(child, &status, 0);
  printf("forced while blocked: %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : -1);
  return 0;
}
