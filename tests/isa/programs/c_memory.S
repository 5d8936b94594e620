// Compressed loads and stores, register- and stack-based: c.lw c.ld c.sw c.sd c.lwsp c.ldsp c.swsp c.sdsp
#include "bare.inc"
  BEGIN
  la a0, scratch
  mv s5, sp
  la sp, scratch
  li a1, 0x8182838485868788
  .irp offset, 0, 8, 64, 120
  c.sd a1, \offset(a0)
  c.ld a2, \offset(a0)
  SIG(a2)
  c.lw a2, \offset(a0)
  SIG(a2)
  c.sw a0, \offset(a0)
  c.ld a2, \offset(a0)
  slli a2, a2, 0
  srli a2, a2, 32
  SIG(a2)
  .endr
  .irp offset, 0, 8, 128, 248, 504
  c.sdsp a1, \offset(sp)
  c.ldsp a2, \offset(sp)
  SIG(a2)
  .endr
  .irp offset, 0, 4, 124, 252
  c.swsp a1, \offset(sp)
  c.lwsp a2, \offset(sp)
  SIG(a2)
  .endr
  mv sp, s5
  END
  FRAME
