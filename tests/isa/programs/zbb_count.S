// clz, ctz, cpop and their word forms
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  la s2, operands
  la s3, operands_end
1:
  ld a0, 0(s2)
  .irp op, clz, ctz, cpop, clzw, ctzw, cpopw
  \op a2, a0
  SIG(a2)
  .endr
  addi s2, s2, 8
  bltu s2, s3, 1b
  END
  FRAME
