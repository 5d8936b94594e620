// Pages that may not be touched: PROT_NONE, guard pages, read-only and unmapped ones, pages behind the end of a file;
// the signal, its code and its address, and that the page can be had afterwards.
// @native
//
// > PROT_NONE: SEGV ACCERR at the byte 1
// > read-only: SEGV ACCERR at the byte 1
// > unmapped: SEGV MAPERR at the byte 1
// > guard below a stack: SEGV ACCERR at the byte 1
// > execute data: SEGV ACCERR at the byte 1
// > behind the end of the file: BUS ADRERR at the byte 1
// > last page of the file: zeros behind the end 1
// > after truncation: BUS ADRERR at the byte 1, before it 'a'
// > kernel reads from there: EFAULT, writes to it: EFAULT
// > repaired in the handler: 'k'
// > protected again and again: 100 faults
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

static sigjmp_buf out;
static volatile siginfo_t seen;
static char *volatile repair;
static volatile int faults;

static void on_fault(int signo, siginfo_t *info, void *context) {
  (void)signo, (void)context;
  if (repair) {
    ++faults;
    mprotect(repair, PAGE, PROT_READ | PROT_WRITE);
    return;
  }
  memcpy((void *)&seen, info, sizeof seen);
  siglongjmp(out, 1);
}

enum how { READ, WRITE, RUN };
static const char *touch(char *at, enum how how) {
  static char text[64];
  if (sigsetjmp(out, 1) == 0) {
    if (how == READ) (void)*(volatile char *)at;
    if (how == WRITE) *(volatile char *)at = 1;
    if (how == RUN) ((void (*)(void))at)();
    return "nothing";
  }
  const char *code = seen.si_signo == SIGBUS ? (seen.si_code == BUS_ADRERR ? "ADRERR" : "?")
                     : seen.si_code == SEGV_MAPERR ? "MAPERR"
                     : seen.si_code == SEGV_ACCERR ? "ACCERR"
                                                   : "?";
  snprintf(text, sizeof text, "%s %s at the byte %d", seen.si_signo == SIGBUS ? "BUS" : "SEGV", code,
           seen.si_addr == at);
  return text;
}
static char *map(int prot) { return mmap(NULL, 4 * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

int main(void) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGBUS, &action, NULL);
  printf("PROT_NONE: %s\n", touch(map(PROT_NONE) + 77, READ));
  printf("read-only: %s\n", touch(map(PROT_READ) + 78, WRITE));
  char *hole = map(PROT_READ | PROT_WRITE);
  munmap(hole + PAGE, PAGE);
  printf("unmapped: %s\n", touch(hole + PAGE + 79, WRITE));
  char *stack = map(PROT_READ | PROT_WRITE);
  mprotect(stack, PAGE, PROT_NONE);
  stack[PAGE] = 1;
  printf("guard below a stack: %s\n", touch(stack + PAGE - 1, WRITE));
  printf("execute data: %s\n", touch(map(PROT_READ | PROT_WRITE), RUN));

  char path[] = "/tmp/guards-XXXXXX";
  int fd = mkstemp(path);
  ftruncate(fd, 2 * PAGE + 100);
  char *file = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  printf("behind the end of the file: %s\n", touch(file + 3 * PAGE + 5, READ));
  int zeros = 1;
  for (int i = 100; i < PAGE; ++i) zeros &= file[2 * PAGE + i] == 0;
  printf("last page of the file: zeros behind the end %d\n", zeros);
  file[0] = 'a';
  file[2 * PAGE] = 'b';
  ftruncate(fd, PAGE);
  printf("after truncation: %s, before it '%c'\n", touch(file + 2 * PAGE, WRITE), file[0]);
  printf("kernel reads from there: %s, ", write(fd, file + 2 * PAGE, 1) < 0 ? strerrorname_np(errno) : "-");
  printf("writes to it: %s\n", pread(fd, map(PROT_READ), 1, 0) < 0 ? strerrorname_np(errno) : "-");
  unlink(path);

  volatile char *page = repair = map(PROT_NONE);
  *page = 'k';
  printf("repaired in the handler: '%c'\n", *page);
  faults = 0;
  for (int i = 0; i < 100; ++i) {
    mprotect(repair, PAGE, PROT_NONE);
    *page = (char)i;
  }
  printf("protected again and again: %d faults\n", faults);
}
