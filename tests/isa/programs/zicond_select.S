// czero.eqz and czero.nez: every pair of operands
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  .irp op, czero.eqz, czero.nez
  ALL_RR \op
  .endr
  END
  FRAME
