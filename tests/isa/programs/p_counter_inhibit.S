// mcountinhibit: mcycle and minstret stand still, keep what is written, and go on
#include "bare.inc"
  BEGIN
  li a0, 2
  csrw mcountinhibit, a0
  csrr a0, mcountinhibit
  SIG(a0)
  csrwi mcountinhibit, 5
  csrr a0, mcountinhibit
  SIG(a0)
  csrr a0, mcycle
  csrr a2, minstret
  nop
  nop
  csrr a1, mcycle
  csrr a3, minstret
  sub a1, a1, a0
  SIG(a1)
  sub a3, a3, a2
  SIG(a3)
  li a0, 0x123456789
  csrw mcycle, a0
  csrw minstret, a0
  nop
  csrr a1, mcycle
  SIG(a1)
  csrr a1, minstret
  SIG(a1)
  csrr a1, cycle
  SIG(a1)
  csrr a1, instret
  SIG(a1)
  csrw mcountinhibit, zero
  nop
  csrr a1, mcycle
  sltu a2, a0, a1
  SIG(a2)
  csrr a1, minstret
  sltu a2, a0, a1
  SIG(a2)
  END
  FRAME
