// time below M needs mcounteren.TM, and in U scounteren.TM; the hpm counters need bits of their own
// machine: virt
#include "bare.inc"
  BEGIN
  .irp enabled, 0, 2
  csrwi mcounteren, \enabled
  csrwi scounteren, 2
  ENTER 1, 1f
1:
  csrr zero, time
  csrr zero, hpmcounter3
  csrr zero, hpmcounter31
  RETURN_TO_M
  ENTER 0, 1f
1:
  csrr zero, time
  RETURN_TO_M
  csrwi scounteren, 0
  ENTER 0, 1f
1:
  csrr zero, time
  csrr zero, hpmcounter4
  RETURN_TO_M
  .endr
  csrr a0, time
  csrr a1, time
  sltu a0, a1, a0
  SIG(a0)
  END
  FRAME
