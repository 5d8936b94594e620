// fround.h and froundnx.h in all rounding modes, with flags
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  FIVE ALL_F1 fround.h flh fmv.x.h halves 2
  FIVE ALL_F1 froundnx.h flh fmv.x.h halves 2
  END
  FRAME
