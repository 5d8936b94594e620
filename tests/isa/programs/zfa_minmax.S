// fminm and fmaxm: NaNs win
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  ALL_FF fminm.s flw fmv.x.w floats 4
  ALL_FF fminm.d fld fmv.x.d doubles 8
  ALL_FF fminm.h flh fmv.x.h halves 2
  ALL_FF fmaxm.s flw fmv.x.w floats 4
  ALL_FF fmaxm.d fld fmv.x.d doubles 8
  ALL_FF fmaxm.h flh fmv.x.h halves 2
  END
  FRAME
