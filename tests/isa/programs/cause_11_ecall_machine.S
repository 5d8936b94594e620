// Cause 11, environment call from M: never delegated
#include "bare.inc"
  BEGIN
  li a7, 0
  li t0, -1
  csrw medeleg, t0
  ecall
  csrr a0, mstatus
  li a1, 0x1888
  and a0, a0, a1
  SIG(a0)
  csrsi mstatus, 8
  ecall
  csrr a0, mstatus
  and a0, a0, a1
  SIG(a0)
  csrw medeleg, zero
  END
  FRAME
