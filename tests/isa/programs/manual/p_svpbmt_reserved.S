// Memory type 3 is reserved: a page fault even with menvcfg.PBMTE (Privileged ISA 20240411, chapter 14).
// QEMU 10 accepts it.
// cpu: svpbmt=on
// expect: d * 40000000 f * 40000008 9 * 0
#include "../bare.inc"
#include "../paging.inc"
  BEGIN
  PAGING
  li a1, 3 << 61
  or a2, s3, a1
  MAP 0, 0xc7, a2
  li a1, 1 << 62
  csrs menvcfg, a1
  sfence.vma
  ENTER 1, 1f
1:
  li a1, 0x40000000
  ld a0, 0(a1)
  sd a0, 8(a1)
  RETURN_TO_M
  csrw satp, zero
  END
  FRAME
  PAGE_TABLES
