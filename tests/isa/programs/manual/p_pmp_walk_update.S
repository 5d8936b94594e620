// Where PMP lets S-mode read a page table and not write it, an access that must set A or D is an access fault of its
// own kind, and nothing is set (Privileged ISA 20240411, 12.3.2, step 7).
// QEMU 10 sets the bits.
// cpu: svadu=on
// expect: 5 * 40000000 7 * 40000008 5 * 40001000 7 * 40001008 7 * 40002008 8082 9 * 0 7 7 47
#include "../bare.inc"
#include "../paging.inc"
  BEGIN
  csrw pmpcfg0, zero
  li a0, -1
  csrw pmpaddr1, a0
  la a0, leaf
  srli a0, a0, 2
  ori a0, a0, 0x1ff
  csrw pmpaddr0, a0
  li a0, 0x1f19
  csrw pmpcfg0, a0
  PAGING
  MAP 0, 0x07
  MAP 1, 0x07
  MAP 2, 0x47
  sfence.vma
  ENTER 1, 1f
1:
  li a1, 0x40000000
  ld a0, 0(a1)
  sd a0, 8(a1)
  li a1, 0x40001000
  ld a0, 0(a1)
  sd a0, 8(a1)
  li a1, 0x40002000
  sd a0, 8(a1)
  ld a0, 0(a1)
  SIG(a0)
  RETURN_TO_M
  .irp offset, 0, 8, 16
  ld a0, \offset(s2)
  andi a0, a0, 0x3ff
  SIG(a0)
  .endr
  csrw satp, zero
  END
  FRAME
  PAGE_TABLES
