// Misaligned loads and stores, within a page and across two
#include "bare.inc"
  BEGIN
  la s0, scratch + 4096
  la s1, operands
  li s2, -64
1:
  andi a0, s2, 63
  add a1, s1, a0
  ld a2, 0(a1)
  add a3, s0, s2
  sd a2, 0(a3)
  addi s2, s2, 8
  blt s2, zero, 1b
  .irp offset, -7, -6, -5, -4, -3, -2, -1, -15, -61
  ld a0, \offset(s0)
  SIG(a0)
  lw a0, \offset(s0)
  SIG(a0)
  lhu a0, \offset(s0)
  SIG(a0)
  sd a0, \offset(s0)
  ld a0, -8(s0)
  SIG(a0)
  ld a0, 0(s0)
  SIG(a0)
  sw s0, \offset+2(s0)
  lwu a0, \offset+2(s0)
  sub a0, a0, s0
  slli a0, a0, 32
  SIG(a0)
  .endr
  END
  FRAME
