// csrrw csrrs csrrc and their immediate forms on mscratch
#include "bare.inc"
  BEGIN
  li a0, 0x1122334455667788
  csrrw a1, mscratch, a0
  csrrw a1, mscratch, a1
  SIG(a1)
  csrw mscratch, a0
  li a2, 0xff00
  csrrs a1, mscratch, a2
  SIG(a1)
  csrrc a1, mscratch, a0
  SIG(a1)
  csrrwi a1, mscratch, 21
  SIG(a1)
  csrrsi a1, mscratch, 10
  SIG(a1)
  csrrci a1, mscratch, 3
  SIG(a1)
  csrr a1, mscratch
  SIG(a1)
  END
  FRAME
