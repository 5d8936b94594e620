// The stack grows by itself up to its limit, not beyond and not into what lies below; a handler on another stack sees
// the overflow; the limits of memory are kept.
// @no-qemu-user its own stack is another one
// @native
//
// > grows to 4 MiB: 1
// > overflow: SEGV on the alternate stack 1, near the limit 1
// > a jump far below: SEGV 1
// > smaller limit in a child: overflow sooner 1
// > RLIMIT_AS: mmap ENOMEM, below it 0
// > RLIMIT_DATA: brk ENOMEM, private writable ENOMEM, shared 0
// > RLIMIT_FSIZE: XFSZ, ignored EFBIG, up to it 1
// > RLIMIT_NOFILE: EMFILE, dup2 EBADF
// > RLIMIT_NPROC: EAGAIN
// > limits: hard stays EPERM, soft above hard EINVAL, inherited 1
// > MAP_GROWSDOWN: grows 1
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
static const char *result(long value) { return value == 0 ? "0" : strerrorname_np(errno); }
static const char *failed(void *at) { return at == MAP_FAILED || at == (void *)-1 ? strerrorname_np(errno) : "0"; }

static sigjmp_buf out;
static volatile uintptr_t top, fault_at;
static volatile int on_other_stack;
static char other[65536];
static volatile long used;

static void on_overflow(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)context;
  char here;
  on_other_stack = &here >= other && &here < other + sizeof other;
  fault_at = (uintptr_t)info->si_addr;
  siglongjmp(out, 1);
}
__attribute__((noinline)) static int dig(long kib) {
  volatile char room[1024];
  room[0] = (char)kib;
  used = (long)(top - (uintptr_t)room);
  return kib == 0 ? 0 : dig(kib - 1) + room[0] * 0;
}
static void prepare(void) {
  char here;
  top = (uintptr_t)&here;
  stack_t stack = {.ss_sp = other, .ss_size = sizeof other};
  sigaltstack(&stack, NULL);
  struct sigaction action = {.sa_sigaction = on_overflow, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigaction(SIGSEGV, &action, NULL);
}
static void limit(int what, rlim_t value) {
  struct rlimit now;
  getrlimit(what, &now);
  now.rlim_cur = value;
  setrlimit(what, &now);
}
static int child_status(void (*body)(void)) {
  int status;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    body();
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, &status, 0);
  return status;
}

static void deep(void) {
  prepare();
  limit(RLIMIT_STACK, 8 << 20);
  dig(4096);
  printf("grows to 4 MiB: %d\n", used >= 4 << 20);
  if (sigsetjmp(out, 1) == 0) dig(1 << 20);
  printf("overflow: SEGV on the alternate stack %d, near the limit %d\n", on_other_stack,
         top - fault_at > (7UL << 20) && top - fault_at < (9UL << 20));
  volatile int caught = 1;
  if (sigsetjmp(out, 1) == 0) {
    *(volatile char *)(top - (64UL << 20)) = 1;
    caught = 0;
  }
  printf("a jump far below: SEGV %d\n", caught);
}
static void shallow(void) {
  prepare();
  limit(RLIMIT_STACK, 1 << 20);
  if (sigsetjmp(out, 1) == 0) dig(1 << 20);
  printf("smaller limit in a child: overflow sooner %d\n", top - fault_at < (2UL << 20));
}
static void address_space(void) {
  limit(RLIMIT_AS, 64 << 20);
  printf("RLIMIT_AS: mmap %s, ", failed(mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
  printf("below it %s\n", failed(mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
}
static void data(void) {
  limit(RLIMIT_DATA, 4 << 20);
  printf("RLIMIT_DATA: brk %s, ", failed(sbrk(16 << 20)));
  printf("private writable %s, ",
         failed(mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
  printf("shared %s\n", failed(mmap(NULL, 16 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)));
}
static int big;
static void file_size(void) {
  limit(RLIMIT_FSIZE, 8192);
  pwrite(big, "x", 1, 8192);
}
static void file_size_ignored(void) {
  signal(SIGXFSZ, SIG_IGN);
  limit(RLIMIT_FSIZE, 8192);
  printf("ignored %s, ", result(pwrite(big, "x", 1, 8192) < 0 ? -1 : 0));
  char two[2] = "";
  printf("up to it %d\n", pwrite(big, two, 2, 8191) == 1);
}
static void files(void) {
  limit(RLIMIT_NOFILE, 16);
  int last = 0;
  while (last >= 0) last = dup(1);
  printf("RLIMIT_NOFILE: %s, ", strerrorname_np(errno));
  printf("dup2 %s\n", result(dup2(1, 16) < 0 ? -1 : 0));
}
static void processes(void) {
  setuid(65534);
  limit(RLIMIT_NPROC, 0);
  pid_t child = fork();
  if (child == 0) _exit(0);
  printf("RLIMIT_NPROC: %s\n", child < 0 ? strerrorname_np(errno) : "-");
}
static void rules(void) {
  struct rlimit pair = {100, 200};
  setrlimit(RLIMIT_NOFILE, &pair);
  setuid(65534);
  pair.rlim_max = 300;
  printf("limits: hard stays %s, ", result(setrlimit(RLIMIT_NOFILE, &pair)));
  pair = (struct rlimit){201, 200};
  printf("soft above hard %s, ", result(setrlimit(RLIMIT_NOFILE, &pair)));
  fflush(stdout);
  int status;
  if (fork() == 0) {
    getrlimit(RLIMIT_NOFILE, &pair);
    _exit(pair.rlim_cur == 100 && pair.rlim_max == 200);
  }
  wait(&status);
  printf("inherited %d\n", WEXITSTATUS(status));
}
static void growing_down(void) {
  char *room = mmap(NULL, 1 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  munmap(room, 1 << 20);
  char *at = mmap(room + (1 << 20) - PAGE, PAGE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
  for (int i = 0; i < 8; ++i) (at - (unsigned long)i * PAGE)[0] = 1;
  printf("MAP_GROWSDOWN: grows %d\n", (at - 7 * PAGE)[0] == 1);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  char path[] = "/tmp/limits-XXXXXX";
  big = mkstemp(path);
  child_status(deep);
  child_status(shallow);
  child_status(address_space);
  child_status(data);
  int status = child_status(file_size);
  printf("RLIMIT_FSIZE: %s, ", WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ ? "XFSZ" : "-");
  child_status(file_size_ignored);
  child_status(files);
  child_status(processes);
  child_status(rules);
  child_status(growing_down);
  unlink(path);
}
