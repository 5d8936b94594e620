// The lowest bit of mepc and sepc is always zero (Privileged ISA 20240411, 3.1.14 and 12.1.7).
// QEMU 10 keeps it in the register and clears it at mret and sret.
// expect: 8000000e 8000000e
#include "../bare.inc"
  BEGIN
  li a0, 0x8000000f
  csrw mepc, a0
  csrr a1, mepc
  SIG(a1)
  csrw sepc, a0
  csrr a1, sepc
  SIG(a1)
  END
  FRAME
