// rol, ror, rori and their word forms
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  .irp op, rol, ror, rolw, rorw
  ALL_RR \op
  .endr
  .irp n, 0, 1, 31, 32, 63
  ALL_RI rori, \n
  .endr
  .irp n, 0, 1, 16, 31
  ALL_RI roriw, \n
  .endr
  END
  FRAME
