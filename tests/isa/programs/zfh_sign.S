// fsgnj.h, fsgnjn.h, fsgnjx.h
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  .irp op, fsgnj.h, fsgnjn.h, fsgnjx.h
  ALL_FF \op flh fmv.x.h halves 2
  .endr
  END
  FRAME
