// amoadd.w and .d: old value, new memory; every pair of operands
#include "bare.inc"
  BEGIN
  .irp width, w, d
  la s0, scratch
  la s2, operands
  la s3, operands_end
1:
  la s4, operands
2:
  ld a0, 0(s2)
  ld a1, 0(s4)
  sd a0, 0(s0)
  amoadd.\width a2, a1, (s0)
  SIG(a2)
  ld a2, 0(s0)
  SIG(a2)
  addi s4, s4, 8
  bltu s4, s3, 2b
  addi s2, s2, 8
  bltu s2, s3, 1b
  .endr
  END
  FRAME
