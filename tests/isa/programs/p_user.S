// User mode under paging: user pages work, supervisor pages do not, in fetches too
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
  li a0, (0x80000000 >> 2) | 0xdf
  sd a0, 16(s0)
  ori a0, s3, 0xd7
  sd a0, 0(s2)
  ori a0, s3, 0xc7
  sd a0, 8(s2)
  sfence.vma
  ENTER 0, 1f
1:
  li a1, 0x40000000
  sd a1, 0(a1)
  ld a0, 0(a1)
  SIG(a0)
  li a1, 0x40001000
  ld a0, 0(a1)
  RETURN_TO_M
  la t0, catch
  csrr s8, mtvec
  csrw mtvec, t0
  la s9, back
  ENTER 1, user_text
user_text:
  nop
  .balign 4
catch:
  csrr a0, mcause
  SIG(a0)
  csrr a0, mepc
  la a1, user_text
  sub a0, a0, a1
  SIG(a0)
  csrr a0, mtval
  sub a0, a0, a1
  SIG(a0)
  csrw mepc, s9
  li t0, 0x1800
  csrs mstatus, t0
  mret
back:
  csrw mtvec, s8
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
