// Of several interrupts for one level, external comes before software before timer (Privileged ISA 20240411, 3.1.9
// and 12.1.3). QEMU 10 takes the lowest number first.
// expect: 9 1 5
#include "../bare.inc"
  BEGIN
  la t0, catch
  csrw stvec, t0
  li a0, 0x222
  csrw mideleg, a0
  csrw mie, a0
  csrw mip, a0
  ENTER 1, 1f
1:
  csrsi sstatus, 2
  nop
  nop
  nop
  j done
  .balign 4
catch:
  csrr t3, scause
  andi t3, t3, 15
  SIG(t3)
  li t4, 1
  sll t4, t4, t3
  csrc sie, t4
  sret
done:
  END
  FRAME
