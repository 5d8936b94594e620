// lr and sc: success, failure without a reservation, one sc per lr
#include "bare.inc"
  BEGIN
  la s0, scratch
  li a0, 0x8000000012345678
  .irp width, w, d
  sd a0, 0(s0)
  lr.\width a1, (s0)
  SIG(a1)
  addi a1, a1, 1
  sc.\width a2, a1, (s0)
  SIG(a2)
  ld a3, 0(s0)
  SIG(a3)
  sc.\width a2, zero, (s0)
  snez a2, a2
  SIG(a2)
  ld a3, 0(s0)
  SIG(a3)
  lr.\width\().aq a1, (s0)
  sc.\width\().rl x0, zero, (s0)
  ld a3, 0(s0)
  SIG(a3)
  .endr
  END
  FRAME
