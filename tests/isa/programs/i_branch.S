// All six branches, taken and not, over every pair of operands
#include "bare.inc"
  BEGIN
  .irp op, beq, bne, blt, bge, bltu, bgeu
  la s2, operands
  la s3, operands_end
1:
  la s4, operands
  li a2, 0
2:
  ld a0, 0(s2)
  ld a1, 0(s4)
  slli a2, a2, 1
  \op a0, a1, 3f
  j 4f
3:
  addi a2, a2, 1
4:
  addi s4, s4, 8
  bltu s4, s3, 2b
  SIG(a2)
  addi s2, s2, 8
  bltu s2, s3, 1b
  .endr
  END
  FRAME
