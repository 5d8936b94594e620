// cbo.zero clears the aligned block of 64 bytes around any address, in M, S and U
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  la s0, scratch
  li s1, 0
fill_again:
  li t0, -1
  mv t1, s0
  li t2, 24
1:
  sd t0, 0(t1)
  addi t1, t1, 8
  addi t2, t2, -1
  bnez t2, 1b
  add a0, s0, s1
  addi a0, a0, 64
  cbo.zero (a0)
  mv t1, s0
  li t2, 24
1:
  ld t0, 0(t1)
  SIG(t0)
  addi t1, t1, 8
  addi t2, t2, -1
  bnez t2, 1b
  addi s1, s1, 21
  li t0, 64
  bltu s1, t0, fill_again
  END
  FRAME
