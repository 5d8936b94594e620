// fmin.d, fmax.d
#include "bare.inc"
  BEGIN
  ALL_FF fmin.d fld fmv.x.d doubles 8
  ALL_FF fmax.d fld fmv.x.d doubles 8
  END
  FRAME
