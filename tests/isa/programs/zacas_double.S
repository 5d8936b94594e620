// amocas.d: equal, different, rd and rs2 the same
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  la s0, scratch
  li s1, 0x8000000180000002
  .irp expected, 0x8000000180000002, 0x80000002, 0
  sd s1, 0(s0)
  li a0, \expected
  li a1, 0x5555555599999999
  amocas.d a0, a1, (s0)
  SIG(a0)
  ld a2, 0(s0)
  SIG(a2)
  .endr
  ld a0, 0(s0)
  amocas.d.rl a0, a0, (s0)
  SIG(a0)
  END
  FRAME
