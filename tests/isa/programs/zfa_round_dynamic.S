// fround.d by every frm, and reserved ones are illegal
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  la s0, fractions
  fld fa0, 16(s0)
  .irp mode, 0, 1, 2, 3, 4, 5, 6, 7
  fsrmi \mode
  csrw fflags, zero
  fmv.d.x fa1, zero
  froundnx.d fa1, fa0
  fmv.x.d a0, fa1
  SIG(a0)
  csrr a0, fflags
  SIG(a0)
  .endr
  END
  FRAME
