// Svade alone: A and D that are clear raise page faults, and menvcfg.ADUE is zero
// cpu: svade=on,svadu=off
// isa: rv64gc_svade
#include "bare.inc"
#include "paging.inc"
  BEGIN
  PAGING
  li s7, 1 << 61
  csrs menvcfg, s7
  csrr a0, menvcfg
  and a0, a0, s7
  SIG(a0)
  MAP 0, 0x07
  MAP 1, 0x47
  MAP 2, 0xc7
  MAP 3, 0x0f
  MAP 4, 0x03
  sfence.vma
  ENTER 1, 1f
1:
  PROBE 0x40000000
  PROBE 0x40001000
  PROBE 0x40002000
  FETCH 0x40003000
  PROBE 0x40004000
  RETURN_TO_M
  .irp offset, 0, 8, 16, 24, 32
  ld a0, \offset(s2)
  andi a0, a0, 0x3ff
  SIG(a0)
  .endr
  csrw satp, zero
  END
  FRAME
  PAGE_TABLES
