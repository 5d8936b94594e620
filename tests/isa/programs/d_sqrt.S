// fsqrt.d in all rounding modes
#include "bare.inc"
  BEGIN
  FIVE ALL_F1 fsqrt.d fld fmv.x.d doubles 8
  END
  FRAME
