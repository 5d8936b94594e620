// fmin.h, fmax.h with flags
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  ALL_FF fmin.h flh fmv.x.h halves 2
  ALL_FF fmax.h flh fmv.x.h halves 2
  END
  FRAME
