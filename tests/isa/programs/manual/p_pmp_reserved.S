// pmpaddr has 54 bits, bits 6:5 of a configuration are zero, and W without R is reserved, which we do not take
// (Privileged ISA 20240411, 3.7.1 and figures 34 to 36).
// QEMU 10 keeps the ten high bits of an address and the reserved two of a configuration.
// expect: 3fffffffffffff 1f 1f 1f
#include "../bare.inc"
  BEGIN
  csrw pmpcfg0, zero
  li a0, -1
  csrw pmpaddr0, a0
  csrr a1, pmpaddr0
  SIG(a1)
  li a0, 0x7f
  csrw pmpcfg0, a0
  csrr a1, pmpcfg0
  SIG(a1)
  li a0, 0x1a
  csrw pmpcfg0, a0
  csrr a1, pmpcfg0
  SIG(a1)
  li a0, 0x1e
  csrw pmpcfg0, a0
  csrr a1, pmpcfg0
  SIG(a1)
  END
  FRAME
