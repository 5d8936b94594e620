// Misaligned amocas raises store/AMO address-misaligned, cause 6, with the address as tval (Unprivileged ISA
// 20240411, 16.1 and 14.4).
// QEMU 10 reports cause 4.
// expect: 6 * 80008004 6 * 80008002 6 * 80008008
#include "../bare.inc"
  BEGIN
  la s0, scratch
  addi a1, s0, 4
  addi a2, s0, 2
  addi a3, s0, 8
  amocas.d a4, a0, (a1)
  amocas.w a4, a0, (a2)
  amocas.q a4, a0, (a3)
  END
  FRAME
