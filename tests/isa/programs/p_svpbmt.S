// Svpbmt: the types need menvcfg.PBMTE; any type in a pointer is a page fault
// cpu: svpbmt=on
#include "bare.inc"
#include "paging.inc"
  BEGIN
  PAGING
  .set i, 0
  .rept 3
  li a1, i << 61
  or a2, s3, a1
  MAP i, 0xc7, a2
  .set i, i + 1
  .endr
  li a1, 1 << 61
  srli a0, s2, 2
  ori a0, a0, 1
  or a0, a0, a1
  sd a0, 8(s1)
  .macro PROBE_ALL
  sfence.vma
  ENTER 1, 1f
1:
  PROBE 0x40000000
  PROBE 0x40001000
  PROBE 0x40002000
  PROBE 0x40200000
  RETURN_TO_M
  .endm
  li s7, 1 << 62
  csrc menvcfg, s7
  PROBE_ALL
  csrs menvcfg, s7
  csrr a0, menvcfg
  and a0, a0, s7
  SIG(a0)
  PROBE_ALL
  csrw satp, zero
  END
  FRAME
  PAGE_TABLES
