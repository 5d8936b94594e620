// Sv48: the same entries with four levels; the biggest page; addresses that are no sign extension
#include "bare.inc"
#include "paging.inc"
  BEGIN
  PAGING 9
  csrr a0, satp
  srli a0, a0, 60
  SIG(a0)
  MAP 0, 0xc7
  MAP 1, 0x00
  // A leaf of the top level for the second slot, one that is not aligned for the third
  la a2, root4
  li a0, 0xc7
  sd a0, 8(a2)
  li a0, (0x80000000 >> 2) | 0xc7
  sd a0, 16(a2)
  // The last slot of the table: the identity again
  la a3, root
  srli a0, a3, 2
  ori a0, a0, 1

  li a3, 4088
  add a3, a2, a3
  sd a0, 0(a3)
  la s7, scratch
  li a0, 0x1234
  sd a0, 0(s7)
  sfence.vma
  ENTER 1, 1f
1:
  PROBE 0x40000000
  PROBE 0x40001000
  PROBE 0x800000000000
  PROBE 0xffff800000000000
  PROBE 0x1000000000000
  PROBE 0x10000000000
  PROBE 0xffffff8040000000
  PROBE 0xffff7ffffffffff8
  li a1, 0x8000000000
  add a1, a1, s7
  ld a0, 0(a1)
  SIG(a0)
  FETCH 0x800000000000
  RETURN_TO_M
  csrw satp, zero
  END
  FRAME
  PAGE_TABLES
