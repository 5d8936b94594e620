// 2 MiB and 1 GiB leaves, and addresses deep inside them
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
  li a0, 0x123456789abcdef
  la a1, other
  sd a0, 0(a1)
  li a0, (0x80000000 >> 2) | 0xc7
  sd a0, 16(s1)
  sd a0, 24(s0)
  sfence.vma
  la a2, other
  li a3, 0x80000000
  sub a2, a2, a3
  ENTER 1, 1f
1:
  li a1, 0x40400000
  add a1, a1, a2
  ld a0, 0(a1)
  SIG(a0)
  li a1, 0xc0000000
  add a1, a1, a2
  ld a0, 0(a1)
  SIG(a0)
  addi a0, a0, 1
  sd a0, 0(a1)
  RETURN_TO_M
  la a1, other
  ld a0, 0(a1)
  SIG(a0)
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
