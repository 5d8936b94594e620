// Causes and tval: illegal, breakpoint, ecall from each mode, access faults
#include "bare.inc"
  BEGIN
  .word 0xffffffff
  .word 0x00000057
  ebreak
  ecall
  li a0, 0x10
  ld a1, 0(a0)
  sd a1, 0(a0)
  lw a1, 1(a0)
  amoadd.w a1, a1, (a0)
  ENTER 0, 1f
1:
  ecall
  ebreak
  sret
  wfi
  sfence.vma
  RETURN_TO_M
  ENTER 1, 1f
1:
  ecall
  RETURN_TO_M
  END
  FRAME
