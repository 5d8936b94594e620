// Delegated exceptions from U go to S with scause, sepc, stval and SPP; from M they stay
#include "bare.inc"
  BEGIN
  li t0, -1
  csrw medeleg, t0
  li t0, 1 << 8
  csrc medeleg, t0
  la t0, catch
  csrw stvec, t0
  .option push
  .option norvc
  .word 0xffffffff
  ENTER 0, 1f
1:
  .word 0xffffffff
  ebreak
  RETURN_TO_M
  ENTER 1, 1f
1:
  .word 0xffffffff
  ebreak
  RETURN_TO_M
  csrw medeleg, zero
  j done

  .option push
  .option rvc
  .balign 4
  .option pop
catch:
  csrr t3, scause
  SIG(t3)
  csrr t3, sepc
  la t4, _start
  sub t3, t3, t4
  SIG(t3)
  csrr t3, stval
  SIG(t3)
  csrr t3, sstatus
  andi t3, t3, 0x122
  SIG(t3)
  csrr t3, sepc
  addi t3, t3, 4
  csrw sepc, t3
  sret
  .option pop
done:
  END
  FRAME
