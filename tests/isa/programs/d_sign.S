// fsgnj.d, fsgnjn.d, fsgnjx.d
#include "bare.inc"
  BEGIN
  ALL_FF fsgnj.d fld fmv.x.d doubles 8
  ALL_FF fsgnjn.d fld fmv.x.d doubles 8
  ALL_FF fsgnjx.d fld fmv.x.d doubles 8
  END
  FRAME
