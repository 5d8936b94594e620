// Vectored mtvec: interrupts go to base + 4 * cause, exceptions to the base
#include "bare.inc"
  BEGIN
  la t0, table
  csrr s8, mtvec
  addi t0, t0, 1
  csrw mtvec, t0
  li s0, 0x2000000
  li a0, 8
  csrw mie, a0
  csrs mstatus, a0
  li a1, 1
  sw a1, 0(s0)
  nop
  nop
  .option push
  .option norvc
  ebreak
  csrw mtvec, s8
  j done
  .balign 256
table:
  j exception
  j wrong
  j wrong
  j software
  j wrong
  j wrong
wrong:
  li a0, 99
  SIG(a0)
  j done
software:
  li a0, 3
  SIG(a0)
  sw zero, 0(s0)
  mret
exception:
  csrr a0, mcause
  SIG(a0)
  csrr a0, mepc
  addi a0, a0, 4
  csrw mepc, a0
  mret
  .option pop
done:
  END
  FRAME
