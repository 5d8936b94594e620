// Loads of every width, signed and not, with positive and negative offsets
#include "bare.inc"
  BEGIN
  la s0, operands + 64
  .irp op, lb, lbu, lh, lhu, lw, lwu, ld
  .irp offset, -64, -32, -24, -8, 0, 8, 16, 24
  \op a0, \offset(s0)
  SIG(a0)
  .endr
  .endr
  .irp offset, 17, 18, 19, 20, 21, 22, 23
  lb a0, \offset(s0)
  SIG(a0)
  lbu a0, \offset(s0)
  SIG(a0)
  .endr
  END
  FRAME
