// A reserved NAPOT encoding is a page fault that leaves A and D alone, as the walk stops before it looks at them
// (Privileged ISA 20240411, chapter 13 and 12.3.2). QEMU 10 sets them first.
// cpu: svnapot=on
// expect: d * 40000000 f * 40000008 9 * 0 7
#include "../bare.inc"
#include "../paging.inc"
  BEGIN
  PAGING
  li a1, 1 << 63
  or a2, s3, a1
  MAP 0, 0x07, a2
  sfence.vma
  ENTER 1, 1f
1:
  li a1, 0x40000000
  ld a0, 0(a1)
  sd a0, 8(a1)
  RETURN_TO_M
  ld a0, 0(s2)
  andi a0, a0, 0x3ff
  SIG(a0)
  csrw satp, zero
  END
  FRAME
  PAGE_TABLES
