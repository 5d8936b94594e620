// fround.s and froundnx.s in all rounding modes, with flags
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  FIVE ALL_F1 fround.s flw fmv.x.w floats 4
  FIVE ALL_F1 fround.s flw fmv.x.w singles 4
  FIVE ALL_F1 froundnx.s flw fmv.x.w floats 4
  FIVE ALL_F1 froundnx.s flw fmv.x.w singles 4
  END
  FRAME
