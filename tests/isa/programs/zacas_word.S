// amocas.w: equal, different, with signs, rd and rs2 the same
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  la s0, scratch
  li s1, 0x8000000180000002
  .irp expected, 0x0000000080000002, -2147483646, 1, 0
  sd s1, 0(s0)
  li a0, \expected
  li a1, 0x5555555599999999
  amocas.w a0, a1, (s0)
  SIG(a0)
  ld a2, 0(s0)
  SIG(a2)
  amocas.w.aqrl a0, a0, (s0)
  ld a2, 0(s0)
  SIG(a2)
  .endr
  END
  FRAME
