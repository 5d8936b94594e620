// andi, ori, xori
#include "bare.inc"
  BEGIN
  .irp imm, 0, 1, -1, 2047, -2048
  ALL_RI andi, \imm
  ALL_RI ori, \imm
  ALL_RI xori, \imm
  .endr
  END
  FRAME
