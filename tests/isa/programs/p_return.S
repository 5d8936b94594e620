// mret and sret: the privilege stack, MPIE and SPIE, MPRV cleared
#include "bare.inc"
  BEGIN
  li t0, 0x1888
  csrc mstatus, t0
  li t0, 0x0880
  csrs mstatus, t0
  li t0, 0x20000
  csrs mstatus, t0
  la t0, 1f
  csrw mepc, t0
  mret
1:
  csrr a0, sstatus
  andi a0, a0, 0x122
  SIG(a0)
  RETURN_TO_M
  csrr a0, mstatus
  li t0, 0x21888
  and a0, a0, t0
  SIG(a0)
  ENTER 1, 1f
1:
  li t0, 0x100
  csrc sstatus, t0
  li t0, 0x20
  csrs sstatus, t0
  la t0, 2f
  csrw sepc, t0
  sret
2:
  RETURN_TO_M
  csrr a0, mstatus
  li t0, 0x1922
  and a0, a0, t0
  SIG(a0)
  END
  FRAME
