// Svnapot: sixteen equal entries map 64 KiB; other sizes, other levels and pointers with N are page faults
// cpu: svnapot=on
#include "bare.inc"
#include "paging.inc"
  BEGIN
  PAGING
  la a0, page
  li a1, 16
1:
  sd a1, 0(a0)
  li a2, 4096
  add a0, a0, a2
  addi a1, a1, -1
  bnez a1, 1b
  li a1, 1 << 63
  li a2, 8 << 10
  or a1, a1, a2
  or s7, s3, a1            // frame of `page` as a NAPOT entry
  .set i, 0
  .rept 16
  MAP i, 0xc7, s7
  .set i, i + 1
  .endr
  // 16: N with frame bits 0b0000, 17: 0b0100, 18: 0b1100, A and D set
  li a1, 1 << 63
  or a2, s3, a1
  MAP 16, 0xc7, a2
  li a3, 4 << 10
  or a4, a2, a3
  MAP 17, 0xc7, a4
  li a3, 12 << 10
  or a4, a2, a3
  MAP 18, 0xc7, a4
  // A and D of the entry that is used
  MAP 32, 0x07, s7
  MAP 33, 0x07, s7
  // N in a superpage, and in a pointer
  li a0, (0x80000000 >> 2) | 0xc7 | (8 << 10)
  li a1, 1 << 63
  or a0, a0, a1
  sd a0, 8(s1)
  srli a0, s2, 2
  ori a0, a0, 1
  or a0, a0, a1
  sd a0, 16(s1)
  sfence.vma
  ENTER 1, 1f
1:
  PROBE 0x40000000
  PROBE 0x40005000
  PROBE 0x4000fff0
  PROBE 0x40010000
  PROBE 0x40011000
  PROBE 0x40012000
  li a1, 0x40020000
  ld a0, 0(a1)
  SIG(a0)
  li a1, 0x40021000
  sd a1, 8(a1)
  PROBE 0x40200000
  PROBE 0x40400000
  RETURN_TO_M
  .irp offset, 256, 264
  ld a0, \offset(s2)
  andi a0, a0, 0x3ff
  SIG(a0)
  .endr
  csrw satp, zero
  END
  FRAME
  PAGE_TABLES
