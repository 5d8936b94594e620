// fcvt.d.{w,wu,l,lu}
#include "bare.inc"
  BEGIN
  ALL_XF fcvt.d.w fmv.x.d
  ALL_XF fcvt.d.wu fmv.x.d
  FIVE ALL_XF fcvt.d.l fmv.x.d
  FIVE ALL_XF fcvt.d.lu fmv.x.d
  END
  FRAME
