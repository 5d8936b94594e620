// fcvt.s.{w,wu,l,lu}
#include "bare.inc"
  BEGIN
  FIVE ALL_XF fcvt.s.w fmv.x.w
  FIVE ALL_XF fcvt.s.wu fmv.x.w
  FIVE ALL_XF fcvt.s.l fmv.x.w
  FIVE ALL_XF fcvt.s.lu fmv.x.w
  END
  FRAME
