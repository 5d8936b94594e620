// Counters move forward, can be written, and are hidden from U where mcounteren or scounteren say so
#include "bare.inc"
  BEGIN
  rdcycle a0
  nop
  rdcycle a1
  sltu a2, a0, a1
  SIG(a2)
  rdinstret a0
  nop
  rdinstret a1
  sltu a2, a0, a1
  SIG(a2)
  li a0, 0x123456789
  csrw minstret, a0
  csrr a1, minstret
  srli a1, a1, 16
  SIG(a1)
  csrw mcounteren, zero
  ENTER 0, 1f
1:
  rdcycle a0
  rdinstret a0
  RETURN_TO_M
  li a0, 7
  csrw mcounteren, a0
  csrw scounteren, zero
  ENTER 0, 1f
1:
  rdcycle a0
  rdinstret a0
  RETURN_TO_M
  ENTER 1, 1f
1:
  rdcycle a0
  rdinstret a0
  csrwi scounteren, 5
  RETURN_TO_M
  ENTER 0, 1f
1:
  rdcycle a0
  rdinstret a0
  RETURN_TO_M
  END
  FRAME
