// Writes to x0 vanish
#include "bare.inc"
  BEGIN
  li a0, 77
  add x0, a0, a0
  SIG(x0)
  lui x0, 5
  SIG(x0)
  la a1, operands
  ld x0, 8(a1)
  SIG(x0)
  jal x0, 1f
1:
  SIG(x0)
  mul x0, a0, a0
  SIG(x0)
  csrr x0, mscratch
  SIG(x0)
  amoadd.d x0, a0, (a1)
  SIG(x0)
  ld a2, 0(a1)
  SIG(a2)
  END
  FRAME
