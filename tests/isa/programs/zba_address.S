// add.uw, sh1add..sh3add, their .uw forms and slli.uw: every pair of operands
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  .irp op, add.uw, sh1add, sh2add, sh3add, sh1add.uw, sh2add.uw, sh3add.uw
  ALL_RR \op
  .endr
  .irp n, 0, 1, 31, 32, 63
  ALL_RI slli.uw, \n
  .endr
  END
  FRAME
