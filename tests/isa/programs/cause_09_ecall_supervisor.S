// Cause 9, environment call from S: to M, and to S itself where it is delegated
#include "bare.inc"
  BEGIN
  li a7, 0
  la t0, catch
  csrw stvec, t0
  ENTER 1, 1f
1:
  ecall
  RETURN_TO_M
  li t0, 1 << 9
  csrw medeleg, t0
  li t0, 0x1800
  csrc mstatus, t0
  li t0, 0x0802
  csrs mstatus, t0
  la t0, 1f
  csrw mepc, t0
  mret
1:
  ecall
  .balign 4
catch:
  csrr t3, scause
  SIG(t3)
  csrr t3, stval
  SIG(t3)
  csrr t3, sstatus
  andi t3, t3, 0x122
  SIG(t3)
  // Nobody but an access to M's CSRs brings this back to M now
  la t3, back
  mv s10, t3
  csrr t3, mstatus
back:
  END
  FRAME
