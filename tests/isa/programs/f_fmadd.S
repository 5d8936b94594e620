// fmadd.s in all rounding modes
#define SIGNATURE_WORDS 3072
#include "bare.inc"
  BEGIN
  FIVE ALL_FMA fmadd.s flw fmv.x.w floats 4
  END
  FRAME
