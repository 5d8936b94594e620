// Replaces itself as often as its argument says, then exits with 0; without a C library, so that an execve is all
// it does.
//
//   exec_chain LINKS
#include <stdint.h>
#include <sys/syscall.h>

static long call(long number, long a, long b, long c) {
  register long a7 asm("a7") = number;
  register long a0 asm("a0") = a;
  register long a1 asm("a1") = b;
  register long a2 asm("a2") = c;
  asm volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2) : "memory");
  return a0;
}

/// Takes one off a decimal number, in place; 0 where there was none.
static int take_one(char* digits) {
  int last = 0;
  while (digits[last + 1] != 0) last++;
  for (int at = last; at >= 0; at--) {
    if (digits[at] != '0') {
      digits[at]--;
      while (++at <= last) digits[at] = '9';
      return 1;
    }
  }
  return 0;
}

/// `stack`: as the kernel left it, the argument count and then the arguments.
__attribute__((used)) static void chain(long* stack) {
  char** const arguments = (char**)(stack + 1);
  char* none[] = {0};
  if (stack[0] != 2) call(SYS_exit_group, 2, 0, 0);
  if (!take_one(arguments[1])) call(SYS_exit_group, 0, 0, 0);
  call(SYS_execve, (long)arguments[0], (long)arguments, (long)none);
  call(SYS_exit_group, 126, 0, 0);
}

asm(".globl _start\n"
    "_start:\n"
    ".option push\n"
    ".option norelax\n"
    "  la gp, __global_pointer$\n"
    ".option pop\n"
    "  mv a0, sp\n"
    "  call chain\n");
