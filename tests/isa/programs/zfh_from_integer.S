// fcvt.h.{w,wu,l,lu} in all rounding modes
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  FIVE ALL_XF fcvt.h.w fmv.x.h
  FIVE ALL_XF fcvt.h.wu fmv.x.h
  FIVE ALL_XF fcvt.h.l fmv.x.h
  FIVE ALL_XF fcvt.h.lu fmv.x.h
  END
  FRAME
