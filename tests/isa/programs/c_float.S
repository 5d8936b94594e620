// Compressed floating-point loads and stores: c.fld c.fsd c.fldsp c.fsdsp
#include "bare.inc"
  BEGIN
  la a0, scratch
  mv s5, sp
  la sp, scratch
  li a1, 0x400921fb54442d18
  fmv.d.x fa0, a1
  .irp offset, 0, 8, 120, 248
  c.fsd fa0, \offset(a0)
  c.fld fa1, \offset(a0)
  fmv.x.d a2, fa1
  SIG(a2)
  .endr
  .irp offset, 0, 256, 504
  c.fsdsp fa0, \offset(sp)
  c.fldsp fa2, \offset(sp)
  fmv.x.d a2, fa2
  SIG(a2)
  .endr
  mv sp, s5
  END
  FRAME
