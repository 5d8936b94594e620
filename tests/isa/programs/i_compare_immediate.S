// slti, sltiu: the immediate is sign-extended first
#include "bare.inc"
  BEGIN
  .irp imm, 0, 1, -1, 2047, -2048
  ALL_RI slti, \imm
  ALL_RI sltiu, \imm
  .endr
  END
  FRAME
