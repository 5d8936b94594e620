// sstatus shows and changes its part of mstatus alone; FS has four states and SD says dirty
// cpu: h=off
#include "bare.inc"
  BEGIN
  li s0, 0x8000000a007e79aa
  li a0, -1
  csrw mstatus, a0
  csrr a1, mstatus
  and a1, a1, s0
  SIG(a1)
  csrr a1, sstatus
  and a1, a1, s0
  SIG(a1)
  csrw sstatus, zero
  csrr a1, mstatus
  and a1, a1, s0
  SIG(a1)
  csrw mstatus, zero
  .irp fs, 0, 1, 2, 3
  li a0, \fs << 13
  csrw mstatus, a0
  csrr a1, mstatus
  and a1, a1, s0
  SIG(a1)
  fmv.x.d a2, f0
  fmv.d.x f0, zero
  csrr a1, mstatus
  and a1, a1, s0
  SIG(a1)
  .endr
  .irp mpp, 0, 1, 2, 3
  li a0, \mpp << 11
  csrw mstatus, a0
  csrr a1, mstatus
  and a1, a1, s0
  SIG(a1)
  .endr
  li a0, 0x222
  csrw mideleg, a0
  csrw mip, a0
  csrr a1, mip
  and a1, a1, a0
  SIG(a1)
  csrw sip, zero
  csrr a1, mip
  and a1, a1, a0
  SIG(a1)
  csrw mip, zero
  li a0, -1
  csrw medeleg, a0
  csrr a1, medeleg
  li a0, 0xb3fe
  and a1, a1, a0
  SIG(a1)
  csrw medeleg, zero
  csrw mideleg, zero
  li a0, 0x6000
  csrw mstatus, a0
  END
  FRAME
