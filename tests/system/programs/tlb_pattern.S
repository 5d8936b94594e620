// Touches pages in the order that `pattern` gives, by loads that are translated (Sv39) while nothing else is:
// M-mode runs untranslated, MPRV is on for the one load or store. Pages of 4 KiB at 0x40000000 + n * 4096, all on
// one frame. An entry is a byte: the page's number, plus 0x80 for a store; 0xff ends.
// -DPATTERN=... gives the bytes, -DPTE_FLAGS=... the flags of every entry.
  .section .text.start, "ax"
  .globl _start
_start:
  la s0, root
  la s1, middle
  la s2, leaf
  srli a0, s1, 2
  ori a0, a0, 1
  sd a0, 8(s0)
  srli a0, s2, 2
  ori a0, a0, 1
  sd a0, 0(s1)
  la a0, page
  srli a0, a0, 2
  ori a0, a0, PTE_FLAGS
  mv a1, s2
  li a2, 64
1:
  sd a0, 0(a1)
  addi a1, a1, 8
  addi a2, a2, -1
  bnez a2, 1b
  li a0, -1
  csrw pmpaddr0, a0
  li a0, 0x1f
  csrw pmpcfg0, a0
  srli a0, s0, 12
  li a1, 8 << 60
  or a0, a0, a1
  csrw satp, a0
  sfence.vma
  li a0, 0x800               // MPP: S
  csrs mstatus, a0
  la s3, pattern
  li s4, 0x20000             // MPRV
  li s5, 0xff
2:
  lbu a0, 0(s3)
  addi s3, s3, 1
  beq a0, s5, done
  andi a1, a0, 0x80
  andi a0, a0, 0x7f
  slli a0, a0, 12
  li a2, 0x40000000
  add a0, a0, a2
  bnez a1, 3f
  csrs mstatus, s4
  ld a3, 0(a0)
  csrc mstatus, s4
  j 2b
3:
  csrs mstatus, s4
  sd zero, 8(a0)
  csrc mstatus, s4
  j 2b
done:
  li a0, 0x5555
  li a1, 0x100000
  sw a0, 0(a1)
4:
  j 4b

  .data
pattern:
  .byte PATTERN, 0xff
  .bss
  .balign 4096
root:
  .space 4096
middle:
  .space 4096
leaf:
  .space 4096
page:
  .space 4096
