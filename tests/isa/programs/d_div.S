// fdiv.d in all rounding modes, with flags
#define SIGNATURE_WORDS 3072
#include "bare.inc"
  BEGIN
  FIVE ALL_FF fdiv.d fld fmv.x.d doubles 8
  END
  FRAME
