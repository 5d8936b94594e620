// Compressed branches and jumps: c.beqz c.bnez c.j c.jr c.jalr
#include "bare.inc"
  BEGIN
  la s2, _start
  li a0, 0
  li a1, 9
  c.beqz a0, 1f
  SIG(zero)
1:
  c.beqz a1, 1f
  SIG(a1)
1:
  c.bnez a1, 1f
  SIG(zero)
1:
  c.bnez a0, 1f
  SIG(a1)
1:
  c.j 1f
  SIG(zero)
1:
  la a3, 1f
  c.jr a3
  SIG(zero)
1:
  la a3, 1f
  c.jalr a3
  SIG(zero)
1:
  sub ra, ra, s2
  SIG(ra)
  li a4, 3
1:
  SIG(a4)
  c.addi a4, -1
  c.bnez a4, 1b
  END
  FRAME
