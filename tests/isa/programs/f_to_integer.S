// fcvt.{w,wu,l,lu}.s: saturation and flags, all rounding modes
#include "bare.inc"
  BEGIN
  FIVE ALL_FX fcvt.w.s flw floats 4
  FIVE ALL_FX fcvt.wu.s flw floats 4
  FIVE ALL_FX fcvt.l.s flw floats 4
  FIVE ALL_FX fcvt.lu.s flw floats 4
  END
  FRAME
