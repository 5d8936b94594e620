// A single that is not NaN-boxed counts as the canonical NaN
#include "bare.inc"
  BEGIN
  li a0, 0x3f8000003f800000
  fmv.d.x fa0, a0
  li a1, 0x40000000
  fmv.w.x fa1, a1
  csrw fflags, zero
  fadd.s fa2, fa0, fa1
  fmv.x.d a2, fa2
  SIG(a2)
  feq.s a2, fa0, fa0
  SIG(a2)
  fclass.s a2, fa0
  SIG(a2)
  fcvt.w.s a2, fa0
  SIG(a2)
  fsgnj.s fa3, fa0, fa1
  fmv.x.d a2, fa3
  SIG(a2)
  fmv.x.w a2, fa0
  SIG(a2)
  fcvt.d.s fa4, fa0
  fmv.x.d a2, fa4
  SIG(a2)
  SIG_FFLAGS
  END
  FRAME
