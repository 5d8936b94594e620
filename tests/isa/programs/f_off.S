// With mstatus.FS off every floating-point instruction and CSR is illegal; FS becomes dirty on a write
#include "bare.inc"
  BEGIN
  li t0, 0x6000
  csrc mstatus, t0
  la s0, scratch
  fadd.s fa0, fa1, fa2
  flw fa0, 0(s0)
  fsd fa0, 0(s0)
  fmv.x.d a0, fa0
  csrr a0, fcsr
  csrr a0, frm
  csrwi fflags, 1
  li t0, 0x2000
  csrs mstatus, t0
  li t1, 0x6000
  csrr a0, mstatus
  and a0, a0, t1
  SIG(a0)
  fmv.d.x fa0, zero
  csrr a0, mstatus
  and a0, a0, t1
  SIG(a0)
  csrr a0, mstatus
  srli a0, a0, 63
  SIG(a0)
  END
  FRAME
