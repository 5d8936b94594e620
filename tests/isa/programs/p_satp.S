// satp: the modes there are, all sixteen bits of ASID; a write of any other mode changes nothing
#include "bare.inc"
  BEGIN
  .irp mode, 0, 8, 9, 10
  li a0, (\mode << 60) | (0xffff << 44) | 0x80123
  .if \mode == 0
  li a0, 0
  .endif
  csrw satp, a0
  csrr a1, satp
  SIG(a1)
  .endr
  .irp mode, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14, 15
  li a0, (\mode << 60) | 5
  csrw satp, a0
  csrr a1, satp
  SIG(a1)
  .endr
  csrw satp, zero
  END
  FRAME
