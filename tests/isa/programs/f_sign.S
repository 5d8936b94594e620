// fsgnj.s, fsgnjn.s, fsgnjx.s
#include "bare.inc"
  BEGIN
  ALL_FF fsgnj.s flw fmv.x.w floats 4
  ALL_FF fsgnjn.s flw fmv.x.w floats 4
  ALL_FF fsgnjx.s flw fmv.x.w floats 4
  END
  FRAME
