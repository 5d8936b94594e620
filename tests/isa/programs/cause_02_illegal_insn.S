// Cause 2, illegal instruction: reserved encodings, CSRs that do not exist or are out of reach; tval has the bits
#include "bare.inc"
  BEGIN
  .word 0xffffffff
  .half 0x0000
  .word 0x0000707b
  csrr a0, 0x7c0
  csrw 0xc00, a0
  csrr a0, 0x5a8
  .word 0x0000305b
  ENTER 1, 1f
1:
  .word 0xffffffff
  .half 0x0000
  .word 0x0000707b
  csrr a0, 0x7c0
  csrw 0xc00, a0
  csrr a0, 0x5a8
  .word 0x0000305b
  RETURN_TO_M
  ENTER 0, 1f
1:
  .word 0xffffffff
  .half 0x0000
  .word 0x0000707b
  csrr a0, 0x7c0
  csrw 0xc00, a0
  csrr a0, 0x5a8
  .word 0x0000305b
  RETURN_TO_M
  END
  FRAME
