// Cause 4, load address misaligned: lr alone; plain loads are done in hardware
#include "bare.inc"
  BEGIN
  la a1, scratch
  lw a0, 1(a1)
  ld a0, 3(a1)
  addi a1, a1, 4
  lr.d a0, (a1)
  addi a1, a1, 1
  lr.w a0, (a1)
  ENTER 1, 1f
1:
  la a1, scratch
  lw a0, 1(a1)
  ld a0, 3(a1)
  addi a1, a1, 4
  lr.d a0, (a1)
  addi a1, a1, 1
  lr.w a0, (a1)
  RETURN_TO_M
  ENTER 0, 1f
1:
  la a1, scratch
  lw a0, 1(a1)
  ld a0, 3(a1)
  addi a1, a1, 4
  lr.d a0, (a1)
  addi a1, a1, 1
  lr.w a0, (a1)
  RETURN_TO_M
  END
  FRAME
