// Misaligned lr, sc and amo trap
#include "bare.h"
  BEGIN
  la s0, scratch
  li a0, 3
  addi a1, s0, 4
  addi a2, s0, 2
  lr.d a3, (a1)
  sc.d a3, a0, (a1)
  amoadd.d a3, a0, (a1)
  lr.w a3, (a2)
  sc.w a3, a0, (a2)
  amoswap.w a3, a0, (a2)
  ld a4, 0(s0)
  SIG(a4)
  END
  FRAME
