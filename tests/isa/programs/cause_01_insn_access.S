// Cause 1, instruction access fault: no memory at the target, from M, S and U
#include "bare.inc"
  BEGIN
  FETCH 0x10
  FETCH 0x7000000000
  ENTER 1, 1f
1:
  FETCH 0x10
  FETCH 0x7000000000
  RETURN_TO_M
  ENTER 0, 1f
1:
  FETCH 0x10
  FETCH 0x7000000000
  RETURN_TO_M
  END
  FRAME
