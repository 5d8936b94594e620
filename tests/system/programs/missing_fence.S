// A supervisor that remaps a page, takes write permission away and clears D, each time with or without the
// sfence.vma that the manual asks for (-DFENCE='sfence.vma' or empty), and uses the page again. Allowing more
// without a fence is no mistake: the old entry refuses once, which the handler answers by a fence.
  .section .text.start, "ax"
  .globl _start
_start:
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
  la s3, page
  srli s3, s3, 2
  li a0, -1
  csrw pmpaddr0, a0
  li a0, 0x1f
  csrw pmpcfg0, a0
  la a0, machine_trap
  csrw mtvec, a0
  la a0, supervisor
  csrw mepc, a0
  li a0, 0x800
  csrs mstatus, a0
  mret

supervisor:
  srli a0, s0, 12
  li a1, 8 << 60
  or a0, a0, a1
  csrw satp, a0
  sfence.vma
  li s4, 0x40000000
  ori a0, s3, 0xc7
  sd a0, 0(s2)
  ld a1, 0(s4)

  addi a0, s3, 1 << 10       // the next frame
  ori a0, a0, 0xc7
  sd a0, 0(s2)
  FENCE
  .globl use_remapped
use_remapped:
  ld a1, 0(s4)

  sfence.vma
  ld a1, 0(s4)
  andi a0, a0, ~0x84         // neither W nor D
  sd a0, 0(s2)
  FENCE
  li s5, 1                   // a fault is expected where the fence is
  .globl use_read_only
use_read_only:
  sd a1, 8(s4)

  ld a1, 0(s4)
  ori a0, a0, 0x84           // more is allowed again: no fence
  sd a0, 0(s2)
  ld a1, 0(s4)
  sd a1, 8(s4)

  andi a0, a0, ~0x80         // D alone
  sd a0, 0(s2)
  FENCE
  .globl use_clean
use_clean:
  sd a1, 8(s4)

  sd zero, 0(s2)
  FENCE
  li s5, 1
  .globl use_unmapped
use_unmapped:
  ld a1, 0(s4)

  li a0, 0x5555
  ecall

  // Page faults: fence, and go on behind the access if one was expected.
  .balign 4
machine_trap:
  csrr t0, mcause
  addi t0, t0, -9
  beqz t0, finish
  sfence.vma
  beqz s5, 1f
  csrr t0, mepc
  lhu t1, 0(t0)
  andi t1, t1, 3
  addi t0, t0, 2
  addi t1, t1, -3
  bnez t1, 2f
  addi t0, t0, 2
2:
  csrw mepc, t0
1:
  li s5, 0
  mret

finish:
  li a0, 0x5555
  li a1, 0x100000
finisher:
  sw a0, 0(a1)
1:
  j 1b

  .bss
  .balign 4096
root:
  .space 4096
middle:
  .space 4096
leaf:
  .space 4096
  .balign 8192
page:
  .space 8192
