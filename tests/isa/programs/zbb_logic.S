// andn, orn, xnor: every pair of operands
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  .irp op, andn, orn, xnor
  ALL_RR \op
  .endr
  END
  FRAME
