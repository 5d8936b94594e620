// Compressed integer arithmetic: c.addi c.li c.lui c.addiw c.mv c.add c.sub c.and c.or c.xor c.andi shifts
#include "bare.inc"
  BEGIN
  .option push
  .option rvc
  la s2, operands
  la s3, operands_end
1:
  ld a0, 0(s2)
  ld a1, 8(s2)
  .irp imm, -32, -1, 1, 31
  c.mv a2, a0
  c.addi a2, \imm
  SIG(a2)
  c.mv a2, a0
  c.addiw a2, \imm
  SIG(a2)
  c.mv a2, a0
  c.andi a2, \imm
  SIG(a2)
  c.li a2, \imm
  SIG(a2)
  .endr
  .irp op, c.add, c.sub, c.and, c.or, c.xor, c.addw, c.subw
  c.mv a2, a0
  \op a2, a1
  SIG(a2)
  .endr
  .irp op, c.slli, c.srli, c.srai
  .irp amount, 1, 31, 32, 63
  c.mv a2, a0
  \op a2, \amount
  SIG(a2)
  .endr
  .endr
  c.lui a2, 1
  SIG(a2)
  c.lui a2, 0xfffe0
  SIG(a2)
  addi s2, s2, 16
  addi t0, s2, 8
  bltu t0, s3, 1b
  mv s5, sp
  c.addi16sp sp, -64
  sub a2, sp, s5
  SIG(a2)
  c.addi16sp sp, 496
  sub a2, sp, s5
  SIG(a2)
  c.addi4spn a2, sp, 1020
  sub a2, a2, s5
  SIG(a2)
  mv sp, s5
  c.nop
  .option pop
  END
  FRAME
