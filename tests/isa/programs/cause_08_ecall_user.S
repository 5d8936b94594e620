// Cause 8, environment call from U: to M, and to S where it is delegated
#include "bare.inc"
  BEGIN
  li a7, 0
  la t0, catch
  csrw stvec, t0
  ENTER 0, 1f
1:
  ecall
  RETURN_TO_M
  li t0, 1 << 8
  csrw medeleg, t0
  ENTER 0, 1f
1:
  ecall
  j done
  .balign 4
catch:
  csrr t3, scause
  SIG(t3)
  csrr t3, stval
  SIG(t3)
  csrr t3, sstatus
  andi t3, t3, 0x122
  SIG(t3)
  RETURN_TO_M
  csrw medeleg, zero
  j done
done:
  END
  FRAME
