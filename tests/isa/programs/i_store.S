// Stores of every width leave their neighbours alone
#include "bare.inc"
  BEGIN
  la s0, scratch
  li a0, 0x8182838485868788
  .irp op, sb, sh, sw, sd
  .irp offset, 8, 24, -16
  li a1, -1
  sd a1, 64+\offset-8(s0)
  sd a1, 64+\offset(s0)
  sd a1, 64+\offset+8(s0)
  \op a0, 64+\offset(s0)
  ld a1, 64+\offset-8(s0)
  SIG(a1)
  ld a1, 64+\offset(s0)
  SIG(a1)
  ld a1, 64+\offset+8(s0)
  SIG(a1)
  .endr
  .endr
  END
  FRAME
