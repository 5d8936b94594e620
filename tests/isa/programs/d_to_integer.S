// fcvt.{w,wu,l,lu}.d
#include "bare.inc"
  BEGIN
  FIVE ALL_FX fcvt.w.d fld doubles 8
  FIVE ALL_FX fcvt.wu.d fld doubles 8
  FIVE ALL_FX fcvt.l.d fld doubles 8
  FIVE ALL_FX fcvt.lu.d fld doubles 8
  END
  FRAME
