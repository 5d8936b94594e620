// Self-modifying code: after fence.i the new instruction runs
#include "bare.inc"
  BEGIN
  la s0, target
  li s1, 3
  la s2, choices
1:
  lw a0, 0(s2)
  sw a0, 0(s0)
  fence.i
  jal target
  SIG(a0)
  addi s2, s2, 4
  addi s1, s1, -1
  bnez s1, 1b
  j done
  .option push
  .option norvc
  .balign 4
choices:
  addi a0, zero, 11
  addi a0, zero, 22
  lui a0, 33
  .balign 4
target:
  addi a0, zero, 0
  ret
  .option pop
done:
  END
  FRAME
