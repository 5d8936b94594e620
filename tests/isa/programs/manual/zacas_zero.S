// amocas.w and amocas.d compare with zero where rd is x0, and x0 stays zero (Unprivileged ISA 20240411, 16.1).
// QEMU 10 leaves what memory held in its own zero, which the instructions behind then read from x0.
// expect: 0 5 0 9
#include "../bare.inc"
  BEGIN
  la s0, scratch
  li a0, 5
  sd a0, 0(s0)
  li a1, 9
  amocas.w x0, a1, (s0)
  mv a0, zero
  SIG(a0)
  ld a2, 0(s0)
  SIG(a2)
  fence.i
  sd zero, 0(s0)
  amocas.d x0, a1, (s0)
  mv a0, zero
  SIG(a0)
  ld a2, 0(s0)
  SIG(a2)
  fence.i
  END
  FRAME
