// PMP: what a legal configuration reads back as, for every mode; CSRs of RV32 do not exist
#include "bare.inc"
  BEGIN
  csrw pmpcfg0, zero
  li a0, 0x2aaaaaaaaaaaaa
  .irp n, 0, 1, 7, 8, 15
  csrw pmpaddr\n, a0
  csrr a1, pmpaddr\n
  SIG(a1)
  .endr
  li a0, 0x9f001f0000000f1b
  csrw pmpcfg2, a0
  csrr a1, pmpcfg2
  SIG(a1)
  .irp value, 0x01, 0x04, 0x05, 0x03, 0x07, 0x0f, 0x17, 0x1f
  li a0, \value
  csrw pmpcfg0, a0
  csrr a1, pmpcfg0
  SIG(a1)
  .endr
  csrr a0, 0x3a1
  csrr a0, 0x3a3
  csrw pmpcfg0, zero
  END
  FRAME
