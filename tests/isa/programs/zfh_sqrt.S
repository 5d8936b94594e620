// fsqrt.h in all rounding modes, with flags
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  FIVE ALL_F1 fsqrt.h flh fmv.x.h halves 2
  END
  FRAME
