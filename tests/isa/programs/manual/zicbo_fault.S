// Cache-block operations where there is no memory raise a store access fault with rs1, low bits and all, in
// tval (Unprivileged ISA 20240411, 20.4.2.2).
// QEMU 10 looks at no physical attributes for cbo.clean, flush and inval, and rounds tval down for cbo.zero.
// expect: 7 * 40000015 7 * 40000015 7 * 40000015 7 * 40000015
#include "../bare.inc"
  BEGIN
  li a0, 0x40000015
  cbo.zero (a0)
  cbo.clean (a0)
  cbo.flush (a0)
  cbo.inval (a0)
  END
  FRAME
