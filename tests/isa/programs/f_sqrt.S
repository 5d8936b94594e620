// fsqrt.s in all rounding modes
#include "bare.inc"
  BEGIN
  FIVE ALL_F1 fsqrt.s flw fmv.x.w floats 4
  END
  FRAME
