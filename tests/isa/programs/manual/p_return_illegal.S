// mret below M and sret in U are illegal, with the instruction's own bits as tval, as for every other illegal
// instruction here (Privileged ISA 20240411, 3.1.16 and 3.3.2).
// QEMU 10 leaves the bits of an earlier instruction in tval for mret.
// expect: 2 * 30200073 2 * 10200073 8 * 0 2 * 30200073 9 * 0
#include "../bare.inc"
  BEGIN
  ENTER 0, 1f
1:
  mret
  sret
  RETURN_TO_M
  ENTER 1, 1f
1:
  mret
  RETURN_TO_M
  END
  FRAME
