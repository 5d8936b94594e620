// A 32-bit instruction whose halves lie in two pages
#include "bare.inc"
  BEGIN
  la s0, scratch + 4096 - 2
  la s2, source
  lhu a1, 0(s2)
  sh a1, 0(s0)
  lhu a1, 2(s2)
  sh a1, 2(s0)
  lhu a1, 4(s2)
  sh a1, 4(s0)
  lhu a1, 6(s2)
  sh a1, 6(s0)
  fence.i
  li a0, 5
  jalr s0
  SIG(a0)
  j done
source:
  .option push
  .option norvc
  addi a0, a0, 1000
  ret
  .option pop
done:
  END
  FRAME
