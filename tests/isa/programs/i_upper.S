// lui, auipc
#include "bare.inc"
  BEGIN
  .irp imm, 0, 1, 0x7ffff, 0x80000, 0xfffff, 0x12345
  lui a0, \imm
  SIG(a0)
1:
  auipc a0, \imm
  la a1, 1b
  sub a0, a0, a1
  SIG(a0)
  .endr
  END
  FRAME
