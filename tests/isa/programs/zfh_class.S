// fclass.h
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  ALL_FX fclass.h flh halves 2
  END
  FRAME
