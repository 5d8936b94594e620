// min, minu, max, maxu: every pair of operands
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  .irp op, min, minu, max, maxu
  ALL_RR \op
  .endr
  END
  FRAME
