// What is executed in many broken forms: two segments, initialised and zeroed data; exits with 42.
//
// Built without a C library as a static program, and with one as position-independent and as fixed dynamic ones.
static volatile int forty = 40;
static volatile int zero[3000];

#ifdef FREESTANDING
__attribute__((used, noreturn)) void begin(void) {
  register long a7 asm("a7") = 94;  // exit_group
  register long a0 asm("a0") = forty + 2 + zero[2999];
  for (;;) asm volatile("ecall" : "+r"(a0) : "r"(a7));
}
asm(".globl _start\n"
    "_start:\n"
    ".option push\n"
    ".option norelax\n"
    "  la gp, __global_pointer$\n"
    ".option pop\n"
    "  j begin\n");
#else
int main(void) { return forty + 2 + zero[2999]; }
#endif
