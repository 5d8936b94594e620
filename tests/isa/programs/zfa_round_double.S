// fround.d and froundnx.d in all rounding modes, with flags
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  FIVE ALL_F1 fround.d fld fmv.x.d doubles 8
  FIVE ALL_F1 fround.d fld fmv.x.d fractions 8
  FIVE ALL_F1 froundnx.d fld fmv.x.d doubles 8
  FIVE ALL_F1 froundnx.d fld fmv.x.d fractions 8
  END
  FRAME
