// menvcfg and senvcfg: FIOM can be set, senvcfg is S-mode's, menvcfg is not
#include "bare.inc"
  BEGIN
  csrsi menvcfg, 1
  csrr a0, menvcfg
  andi a0, a0, 1
  SIG(a0)
  csrci menvcfg, 1
  ENTER 1, 1f
1:
  csrwi senvcfg, 1
  csrr a0, senvcfg
  andi a0, a0, 1
  SIG(a0)
  csrr a0, menvcfg
  RETURN_TO_M
  ENTER 0, 1f
1:
  csrr a0, senvcfg
  RETURN_TO_M
  csrw senvcfg, zero
  END
  FRAME
