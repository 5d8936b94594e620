// Writes to read-only CSRs and accesses to absent ones are illegal; reads with x0 as source are not writes
#include "bare.inc"
  BEGIN
  csrr a0, mhartid
  SIG(a0)
  csrrs a0, mhartid, zero
  csrrsi a0, mhartid, 0
  csrrw zero, mhartid, zero
  li a1, 1
  csrrs a0, mhartid, a1
  csrrci a0, mhartid, 1
  csrw 0xc00, a1
  csrr a0, 0x5ff
  csrw 0x8ff, a1
  csrr a0, 0xfff
  ENTER 0, 1f
1:
  csrr a0, sstatus
  csrr a0, mstatus
  csrw mscratch, a0
  csrr a0, satp
  fadd.d fa0, fa1, fa2
  RETURN_TO_M
  ENTER 1, 1f
1:
  csrr a0, mstatus
  csrw sscratch, zero
  csrr a0, sscratch
  SIG(a0)
  csrr a0, mie
  RETURN_TO_M
  END
  FRAME
