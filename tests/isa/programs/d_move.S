// fmv.x.d, fmv.d.x, fld, fsd keep every bit
#include "bare.inc"
  BEGIN
  la s0, scratch
  .irp value, 0x3f800000, 0xffffffff80000000, 0x7ff0000000000001
  li a0, \value
  fmv.d.x fa0, a0
  fmv.x.d a1, fa0
  SIG(a1)
  fsd fa0, 8(s0)
  ld a1, 8(s0)
  SIG(a1)
  fld fa1, 8(s0)
  fmv.x.d a1, fa1
  SIG(a1)
  .endr
  END
  FRAME
