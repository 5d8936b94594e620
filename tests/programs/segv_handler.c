// Faults delivered with exact si_code and si_addr: no mapping, forbidden, beyond the file, illegal, breakpoint.
// > store nowhere: signal 11 code 1 address exact
// > load null+8: signal 11 code 1 address exact
// > store read-only: signal 11 code 2 address exact
// > load PROT_NONE: signal 11 code 2 address exact
// > execute data: signal 11 code 2 address exact
// > beyond the file: signal 7 code 2 address exact
// > illegal: signal 4 code 1 address exact
// > breakpoint: signal 5 code 1 address exact
// > not canonical: signal 11 code 1
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int got_signal, got_code;
static void* volatile got_address;

static void handler(int signo, siginfo_t* info, void* context) {
  (void)context;
  got_signal = signo;
  got_code = info->si_code;
  got_address = info->si_addr;
  siglongjmp(back, 1);
}

static void show(const char* what, void* expected) {
  printf("%s: signal %d code %d address %s\n", what, got_signal, got_code, got_address == expected ? "exact" : "WRONG");
}

int main(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP};
  for (unsigned i = 0; i < 4; ++i) sigaction(signals[i], &action, NULL);

  volatile char* nowhere = (char*)0xdead0123;
  if (!sigsetjmp(back, 1)) *nowhere = 1;
  show("store nowhere", (void*)nowhere);
  volatile char* volatile near_null = (char*)8;
  if (!sigsetjmp(back, 1)) (void)*near_null;
  show("load null+8", (void*)8);

  volatile char* read_only = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  (void)read_only[5];
  if (!sigsetjmp(back, 1)) read_only[77] = 1;
  show("store read-only", (void*)(read_only + 77));
  volatile char* none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (!sigsetjmp(back, 1)) (void)none[9];
  show("load PROT_NONE", (void*)(none + 9));
  if (!sigsetjmp(back, 1)) ((void (*)(void))read_only)();
  show("execute data", (void*)read_only);

  FILE* file = tmpfile();
  if (ftruncate(fileno(file), 5000) != 0) return 1;
  volatile char* map = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
  map[6000] = 1;  // within the last page
  if (!sigsetjmp(back, 1)) map[8192] = 1;
  show("beyond the file", (void*)(map + 8192));

  extern char illegal[], breakpoint[];
  if (!sigsetjmp(back, 1)) asm volatile(".option push\n.option norvc\n.globl illegal\nillegal: .word 0xffffffff\n.option pop");
  show("illegal", illegal);
  if (!sigsetjmp(back, 1)) asm volatile(".globl breakpoint\nbreakpoint: ebreak");
  show("breakpoint", breakpoint);
  if (!sigsetjmp(back, 1)) (void)*(volatile char*)0x8000000000000000;
  printf("not canonical: signal %d code %d\n", got_signal, got_code);
  return 0;
}
