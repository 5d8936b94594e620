// jal and jalr: link, backward, low bit cleared, link register same as base
#include "bare.inc"
  BEGIN
  la s2, _start
  jal a0, 1f
  SIG(zero)
1:
  sub a0, a0, s2
  SIG(a0)
  la a1, 2f + 1
  jalr a0, 0(a1)
  SIG(zero)
2:
  sub a0, a0, s2
  SIG(a0)
  la a1, 3f - 8
  jalr a1, 8(a1)
  SIG(zero)
3:
  sub a1, a1, s2
  SIG(a1)
  j 5f
4:
  li a3, 44
  SIG(a3)
  j 6f
5:
  jal x0, 4b
6:
  auipc t1, 0
  jalr ra, 12(t1)
  SIG(zero)
  sub ra, ra, s2
  SIG(ra)
  END
  FRAME
