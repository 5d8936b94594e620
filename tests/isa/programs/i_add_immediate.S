// addi, addiw
#include "bare.inc"
  BEGIN
  .irp imm, 0, 1, -1, 2047, -2048, 5
  ALL_RI addi, \imm
  ALL_RI addiw, \imm
  .endr
  END
  FRAME
