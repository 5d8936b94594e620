// fcvt.s.d and fcvt.d.s
#include "bare.inc"
  BEGIN
  FIVE ALL_F1 fcvt.s.d fld fmv.x.w doubles 8
  ALL_F1 fcvt.d.s flw fmv.x.d floats 4
  END
  FRAME
