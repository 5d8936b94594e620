// PMP: instructions are fetched only from where X is, also on a page of which a part is allowed
#include "bare.inc"
  BEGIN
  csrw pmpcfg0, zero
  la s0, code
  addi a0, s0, 64
  srli a0, a0, 2
  csrw pmpaddr0, a0
  addi a0, s0, 128
  srli a0, a0, 2
  csrw pmpaddr1, a0
  li a0, -1
  csrw pmpaddr2, a0
  li a0, 0x1f0b00
  csrw pmpcfg0, a0
  .macro CALL offset
  addi a1, s0, \offset
  jalr a1
  .endm
  .macro CALL_ALL
  li a0, 0
  CALL 0
  SIG(a0)
  CALL 60
  SIG(a0)
  CALL 64
  SIG(a0)
  CALL 96
  SIG(a0)
  CALL 124
  SIG(a0)
  CALL 128
  SIG(a0)
  .endm
  ENTER 1, 1f
1:
  CALL_ALL
  RETURN_TO_M
  ENTER 0, 1f
1:
  CALL_ALL
  RETURN_TO_M
  CALL_ALL
  li a0, 0x1f8b00
  csrw pmpcfg0, a0
  CALL_ALL
  j done
  .balign 4096
code:
  .option push
  .option norvc
  .rept 15
  addi a0, a0, 1
  .endr
  jr ra
  .rept 15
  addi a0, a0, 1
  .endr
  jr ra
  .rept 15
  addi a0, a0, 1
  .endr
  jr ra
  .option pop
done:
  END
  FRAME
