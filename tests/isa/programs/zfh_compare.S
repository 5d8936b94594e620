// feq.h, flt.h, fle.h with flags
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  .irp op, feq.h, flt.h, fle.h
  ALL_FCMP \op flh halves 2
  .endr
  END
  FRAME
