// fcvt.{w,wu,l,lu}.h: saturation and flags, all rounding modes
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  FIVE ALL_FX fcvt.w.h flh halves 2
  FIVE ALL_FX fcvt.wu.h flh halves 2
  FIVE ALL_FX fcvt.l.h flh halves 2
  FIVE ALL_FX fcvt.lu.h flh halves 2
  END
  FRAME
