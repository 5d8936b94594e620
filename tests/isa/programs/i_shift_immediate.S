// slli, srli, srai with six bits, slliw, srliw, sraiw with five
#include "bare.inc"
  BEGIN
  .irp imm, 0, 1, 17, 31, 32, 63
  ALL_RI slli, \imm
  ALL_RI srli, \imm
  ALL_RI srai, \imm
  .endr
  .irp imm, 0, 1, 17, 31
  ALL_RI slliw, \imm
  ALL_RI srliw, \imm
  ALL_RI sraiw, \imm
  .endr
  END
  FRAME
