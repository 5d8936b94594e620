// clmul, clmulh, clmulr: every pair of operands
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  .irp op, clmul, clmulh, clmulr
  ALL_RR \op
  .endr
  END
  FRAME
