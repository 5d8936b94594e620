// An illegal wfi has its own address in mepc (Privileged ISA 20240411, 3.1.14 and 3.3.3), also in the last four bytes of
// a page. QEMU 10 has moved on to the next page and reports its end.
// expect: 2 0 10500073
#include "../bare.inc"
  BEGIN
  la t0, catch
  csrw mtvec, t0
  ENTER 0, before
  .balign 4096
  .space 4088
  .option push
  .option norvc
before:
  nop
last:
  wfi
  nop
  .option pop
  .balign 4
catch:
  csrr a0, mcause
  SIG(a0)
  csrr a0, mepc
  la a1, last
  sub a0, a0, a1
  SIG(a0)
  csrr a0, mtval
  SIG(a0)
  END
  FRAME
