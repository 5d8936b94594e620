// Pending M interrupts wait for mstatus.MIE; delegated ones for S; both orders of cause
#include "bare.inc"
  BEGIN
  li s0, 0x2000000
  li a1, 1
  sw a1, 0(s0)
  li a0, 0x222
  csrw mideleg, a0
  li a0, 0x22
  csrw mip, a0
  li a0, 0x2a
  csrw mie, a0
  la t0, vectors
  csrw stvec, t0
  nop
  li a0, 8
  csrs mstatus, a0
  nop
  csrc mstatus, a0
  sw zero, 0(s0)
  ENTER 1, 1f
1:
  nop
  csrsi sstatus, 2
  nop
  nop
  csrci sstatus, 2
  RETURN_TO_M
  ENTER 0, 1f
1:
  nop
  RETURN_TO_M
  j done
  .balign 4
vectors:
  csrr t3, scause
  SIG(t3)
  csrr t3, sip
  andi t3, t3, 0x222
  SIG(t3)
  li t4, 2
  csrr t5, scause
  andi t5, t5, 15
  sll t4, t4, t5
  srli t4, t4, 1
  csrc sie, t4
  sret
done:
  END
  FRAME
