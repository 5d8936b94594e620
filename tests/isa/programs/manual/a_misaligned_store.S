// Misaligned sc and amo raise store/AMO address-misaligned, cause 6, with the address as tval; sc does so with
// and without a reservation (Unprivileged ISA 20240411, 14.2 and 14.4; Privileged ISA, 3.1.15).
// QEMU 10 reports cause 4 for amo, and lets sc without a reservation fail before it looks at the alignment.
// expect: 6 * 80008004 6 * 80008004 6 * 80008002 6 * 80008002 0
#include "../bare.inc"
  BEGIN
  la s0, scratch
  li a0, 3
  addi a1, s0, 4
  addi a2, s0, 2
  sc.d a3, a0, (a1)
  amoadd.d a3, a0, (a1)
  sc.w a3, a0, (a2)
  amoswap.w a3, a0, (a2)
  ld a4, 0(s0)
  SIG(a4)
  END
  FRAME
