// MPRV: loads and stores of M-mode translate as MPP says, fetches do not
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
  ori a0, s3, 0xd7
  sd a0, 0(s2)
  ori a0, s3, 0xc7
  sd a0, 8(s2)
  sfence.vma
  la a1, other
  li a0, 0x77
  sd a0, 0(a1)
  li t0, 0x1800
  csrc mstatus, t0
  li t0, 0x20000
  csrs mstatus, t0
  li a1, 0x40000000
  ld a0, 0(a1)
  li t0, 0x20000
  csrc mstatus, t0
  SIG(a0)
  li t0, 0x20800
  csrs mstatus, t0
  li a1, 0x40001000
  ld a0, 0(a1)
  li t0, 0x20000
  csrc mstatus, t0
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
