// fmv.x.w, fmv.w.x, flw, fsw; a single is NaN-boxed in 64 bits
#include "bare.inc"
  BEGIN
  la s0, scratch
  .irp value, 0x3f800000, 0xffffffff80000000, 0x123456789
  li a0, \value
  fmv.w.x fa0, a0
  fmv.x.w a1, fa0
  SIG(a1)
  fmv.x.d a1, fa0
  SIG(a1)
  sd zero, 0(s0)
  fsw fa0, 0(s0)
  ld a1, 0(s0)
  SIG(a1)
  flw fa1, 0(s0)
  fmv.x.d a1, fa1
  SIG(a1)
  .endr
  END
  FRAME
