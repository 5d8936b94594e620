// fmsub.d in all rounding modes
#define SIGNATURE_WORDS 3072
#include "bare.inc"
  BEGIN
  FIVE ALL_FMA fmsub.d fld fmv.x.d doubles 8
  END
  FRAME
