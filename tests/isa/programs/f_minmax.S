// fmin.s, fmax.s: signalling NaN sets NV, -0 is below +0
#include "bare.inc"
  BEGIN
  ALL_FF fmin.s flw fmv.x.w floats 4
  ALL_FF fmax.s flw fmv.x.w floats 4
  END
  FRAME
