/* What the gdb test looks at: a variable that changes, calls, floating point, CSRs, an end through tohost. */
volatile unsigned long tohost __attribute__((aligned(8)));
volatile unsigned long fromhost __attribute__((aligned(8))); /* QEMU wants it */
volatile long counter = 5;
volatile double ratio = 1.5;
long table[4] = {1, 2, 3, 4};

__attribute__((noinline)) long add_up(long n) {
  long sum = 0;
  for (long i = 0; i < n; ++i) sum += table[i & 3];
  return sum;
}

__attribute__((noinline)) void count(long by) { counter += by; }

__attribute__((noinline)) double scale(double x) { return x * ratio; }

int main(void) {
  count(2);
  count(3);
  long sum = add_up(counter);
  ratio = scale((double)sum);
  tohost = (unsigned long)(sum & 0x7f) << 1 | 1;
  for (;;) {
  }
}

__asm__(
    ".section .text.start\n.globl _start\n_start:\n la sp, stack_top\n li t0, 0x6000\n csrs mstatus, t0\n"
    " li t0, 42\n csrw mscratch, t0\n call main\n1: j 1b\n .bss\n .balign 16\n .skip 4096\nstack_top:\n .text\n");
