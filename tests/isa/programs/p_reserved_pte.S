// Entries the manual reserves: W without R, high bits, a pointer in the last level, misaligned superpages
#include "bare.inc"
  BEGIN
  la s0, root
  la s1, middle
  la s2, leaf
  li a0, (0x80000000 >> 2) | 0xcf
  sd a0, 16(s0)
  srli a0, s1, 2
  ori a0, a0, 1
  sd a0, 8(s0)
  srli a0, s2, 2
  ori a0, a0, 1
  sd a0, 0(s1)
  la s3, other
  srli s3, s3, 2
  la s4, ro_page
  srli s4, s4, 2
  li s5, 0x40000000
  srli a0, s0, 12
  li a1, 8 << 60
  or s6, a0, a1
  csrw satp, s6
  sfence.vma
  ori a0, s3, 0xc5
  sd a0, 0(s2)
  ori a0, s3, 0xc7
  li a1, 1 << 54
  or a1, a0, a1
  sd a1, 8(s2)
  ori a1, s3, 0x01
  sd a1, 16(s2)
  ori a1, s3, 0xcd
  sd a1, 24(s2)
  li a1, 1 << 60
  or a1, a0, a1
  sd a1, 32(s2)
  sd a0, 8(s1)
  srli a1, s2, 2
  ori a1, a1, 0x11
  sd a1, 16(s1)
  srli a1, s2, 2
  ori a1, a1, 0x41
  sd a1, 24(s1)
  sfence.vma
  ENTER 1, 1f
1:
  PROBE 0x40000000
  PROBE 0x40001000
  PROBE 0x40002000
  PROBE 0x40003000
  PROBE 0x40004000
  PROBE 0x40200000
  PROBE 0x40400000
  PROBE 0x40600000
  RETURN_TO_M
  csrw satp, zero
  END
  FRAME
  .bss

  .balign 4096
root:
  .space 4096
middle:
  .space 4096
leaf:
  .space 4096
other:

  .space 4096
ro_page:

  .space 4096
