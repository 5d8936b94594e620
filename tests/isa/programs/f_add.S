// fadd.s in all rounding modes, with flags
#define SIGNATURE_WORDS 3072
#include "bare.inc"
  BEGIN
  FIVE ALL_FF fadd.s flw fmv.x.w floats 4
  END
  FRAME
