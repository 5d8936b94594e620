// Cause 6, store address misaligned: sc behind a reservation, from M, S and U; plain stores are done in hardware
// (Unprivileged ISA 20240411, 14.2; Privileged ISA, 3.1.15). QEMU 10 lets an sc to another address than the
// reservation's fail before it looks at the alignment.
// expect: 6 * 80008004 6 * 80008002 6 * 80008004 6 * 80008002 9 * 0 6 * 80008004 6 * 80008002 8 * 0
#include "../bare.inc"
  BEGIN
  la a1, scratch
  sw a0, 1(a1)
  lr.d a0, (a1)
  addi a2, a1, 4
  sc.d a0, a0, (a2)
  lr.w a0, (a1)
  addi a2, a1, 2
  sc.w a0, a0, (a2)
  ENTER 1, 1f
1:
  la a1, scratch
  sw a0, 1(a1)
  lr.d a0, (a1)
  addi a2, a1, 4
  sc.d a0, a0, (a2)
  lr.w a0, (a1)
  addi a2, a1, 2
  sc.w a0, a0, (a2)
  RETURN_TO_M
  ENTER 0, 1f
1:
  la a1, scratch
  sw a0, 1(a1)
  lr.d a0, (a1)
  addi a2, a1, 4
  sc.d a0, a0, (a2)
  lr.w a0, (a1)
  addi a2, a1, 2
  sc.w a0, a0, (a2)
  RETURN_TO_M
  END
  FRAME
