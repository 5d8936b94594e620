// A jump to where no memory is faults at the target
#include "bare.inc"
  BEGIN
  la t0, catch
  csrr s8, mtvec
  csrw mtvec, t0
  la s9, back
  li a0, 0x10
  jr a0
  .balign 4
catch:
  csrr a0, mcause
  SIG(a0)
  csrr a0, mepc
  SIG(a0)
  csrr a0, mtval
  SIG(a0)
  csrw mepc, s9
  mret
back:
  csrw mtvec, s8
  END
  FRAME
