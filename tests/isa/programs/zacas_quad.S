// amocas.q: equal, one half different, pairs of x0
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  la s0, scratch
  .irp low, 7, 6
  .irp high, 8, 9
  li t0, 7
  sd t0, 0(s0)
  li t0, 8
  sd t0, 8(s0)
  li a0, \low
  li a1, \high
  li a2, 10
  li a3, 11
  amocas.q a0, a2, (s0)
  SIG(a0)
  SIG(a1)
  ld t0, 0(s0)
  SIG(t0)
  ld t0, 8(s0)
  SIG(t0)
  .endr
  .endr
  sd zero, 0(s0)
  sd zero, 8(s0)
  mv s2, x1
  amocas.q x0, a2, (s0)
  sub s2, s2, x1
  SIG(s2)
  ld t0, 8(s0)
  SIG(t0)
  ld a0, 0(s0)
  ld a1, 8(s0)
  amocas.q.aqrl a0, x0, (s0)
  ld t0, 0(s0)
  SIG(t0)
  ld t0, 8(s0)
  SIG(t0)
  END
  FRAME
