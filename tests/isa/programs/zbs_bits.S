// bclr, bext, binv, bset and their immediate forms
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  .irp op, bclr, bext, binv, bset
  ALL_RR \op
  .endr
  .irp op, bclri, bexti, binvi, bseti
  .irp n, 0, 31, 63
  ALL_RI \op, \n
  .endr
  .endr
  END
  FRAME
