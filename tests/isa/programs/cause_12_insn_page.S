// Cause 12, instruction page fault: every reason a walk can have, from S
#include "bare.inc"
#include "paging.inc"
  BEGIN
  PAGING
  la a1, page + 4096
  li a0, 0x8082
  sh a0, 0(a1)
  MAP 0, 0xcf
  MAP 1, 0xc7
  MAP 2, 0xdf
  MAP 3, 0xc9
  MAP 4, 0xc3
  MAP 5, 0xce
  MAP 6, 0xcd
  MAP 7, 0xc1
  sd zero, 64(s2)
  MAP 9, 0xcb, s4
  // 15: a pointer where only a leaf may be
  ori a0, s3, 1
  sd a0, 120(s2)
  // 2 MiB: a leaf that is not aligned, a pointer with A, D and U
  li a0, (0x80001000 >> 2) | 0xcf
  sd a0, 8(s1)
  srli a0, s2, 2
  ori a1, a0, 0xd1
  sd a1, 16(s1)
  // Reserved bits
  li a1, 1 << 54
  or a2, s3, a1
  MAP 10, 0xcf, a2
  li a1, 1 << 60
  or a2, s3, a1
  MAP 11, 0xcf, a2
  sfence.vma
  ENTER 1, 1f
1:
  FETCH 0x40000000
  FETCH 0x40001000
  FETCH 0x40002000
  FETCH 0x40003000
  FETCH 0x40004000
  FETCH 0x40005000
  FETCH 0x40006000
  FETCH 0x40007000
  FETCH 0x40008000
  FETCH 0x40009000
  FETCH 0x4000a000
  FETCH 0x4000b000
  FETCH 0x4000c000
  FETCH 0x4000d000
  FETCH 0x4000e000
  FETCH 0x4000f000
  FETCH 0x40200000
  FETCH 0x40400000
  FETCH 0x40600000
  FETCH 0x4000000000
  FETCH 0xffffffc000000000
  FETCH 0x8000000000000000
  RETURN_TO_M
  csrw satp, zero
  END
  FRAME
  PAGE_TABLES
