// A machine software interrupt through the CLINT, and supervisor software through mip
#include "bare.inc"
  BEGIN
  li s0, 0x2000000
  li a0, 8
  csrw mie, a0
  csrs mstatus, a0
  li a1, 1
  sw a1, 0(s0)
  nop
  nop
  sw zero, 0(s0)
  csrr a0, mip
  andi a0, a0, 8
  SIG(a0)
  li a0, 2
  csrw mie, a0
  csrw mip, a0
  nop
  nop
  csrr a0, mip
  andi a0, a0, 2
  SIG(a0)
  csrw mip, zero
  li a0, 8
  csrc mstatus, a0
  END
  FRAME
