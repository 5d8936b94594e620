// The dynamic rounding mode, reserved modes, fcsr, frm, fflags as one register
#include "bare.inc"
  BEGIN
  li a0, 1
  li a1, 3
  fcvt.d.l fa0, a0
  fcvt.d.l fa1, a1
  .irp mode, 0, 1, 2, 3, 4
  csrwi frm, \mode
  fdiv.d fa2, fa0, fa1
  fmv.x.d a2, fa2
  SIG(a2)
  csrr a2, fcsr
  SIG(a2)
  .endr
  .irp mode, 5, 6, 7
  csrwi frm, \mode
  fdiv.d fa2, fa0, fa1
  csrr a2, frm
  SIG(a2)
  fdiv.d fa2, fa0, fa1, rtz
  fmv.x.d a2, fa2
  SIG(a2)
  .endr
  csrwi frm, 0
  .word 0x02b57553 | 5 << 12
  .word 0x02b56553
  li a0, -1
  csrw fcsr, a0
  csrr a1, fcsr
  SIG(a1)
  csrwi fflags, 9
  csrr a1, fcsr
  SIG(a1)
  csrw fcsr, zero
  END
  FRAME
