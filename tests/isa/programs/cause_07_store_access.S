// Cause 7, store access fault: no memory, of every size, and atomics where no RAM is
#include "bare.inc"
  BEGIN
  li a1, 0x10
  sb a0, 0(a1)
  sh a0, 0(a1)
  sw a0, 0(a1)
  sd a0, 0(a1)
  amoswap.w a0, a0, (a1)
  amomax.d a0, a0, (a1)
  li a1, 0x7000000000
  sd a0, 0(a1)
  fsd f0, 0(a1)
  ENTER 1, 1f
1:
  li a1, 0x10
  sb a0, 0(a1)
  sh a0, 0(a1)
  sw a0, 0(a1)
  sd a0, 0(a1)
  amoswap.w a0, a0, (a1)
  amomax.d a0, a0, (a1)
  li a1, 0x7000000000
  sd a0, 0(a1)
  fsd f0, 0(a1)
  RETURN_TO_M
  ENTER 0, 1f
1:
  li a1, 0x10
  sb a0, 0(a1)
  sh a0, 0(a1)
  sw a0, 0(a1)
  sd a0, 0(a1)
  amoswap.w a0, a0, (a1)
  amomax.d a0, a0, (a1)
  li a1, 0x7000000000
  sd a0, 0(a1)
  fsd f0, 0(a1)
  RETURN_TO_M
  END
  FRAME
