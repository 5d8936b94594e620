// Cause 3, breakpoint: ebreak of either length, from M, S and U
#include "bare.inc"
  BEGIN
  .option push
  .option norvc
  ebreak
  .option pop
  c.ebreak
  ENTER 1, 1f
1:
  .option push
  .option norvc
  ebreak
  .option pop
  c.ebreak
  RETURN_TO_M
  ENTER 0, 1f
1:
  .option push
  .option norvc
  ebreak
  .option pop
  c.ebreak
  RETURN_TO_M
  END
  FRAME
