// PMP: the walk's reads of page tables are S-mode's accesses
#include "bare.inc"
#include "paging.inc"
  BEGIN
  csrw pmpcfg0, zero
  li a0, -1
  csrw pmpaddr1, a0
  la a0, leaf
  srli a0, a0, 2
  ori a0, a0, 0x1ff
  csrw pmpaddr0, a0
  PAGING
  MAP 0, 0xc7
  MAP 1, 0xc7, s4
  sfence.vma
  .irp config, 0x1f18, 0x1f19, 0x1f1b, 0x1f1c
  li a0, \config
  csrw pmpcfg0, a0
  sfence.vma
  ENTER 1, 1f
1:
  PROBE 0x40000000
  PROBE 0x40001000
  FETCH 0x40000000
  RETURN_TO_M
  ld a0, 8(s2)
  andi a0, a0, 0x3ff
  SIG(a0)
  .endr
  csrw satp, zero
  END
  FRAME
  PAGE_TABLES
