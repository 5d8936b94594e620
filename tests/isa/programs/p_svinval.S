// Svinval: sinval.vma fences as sfence.vma does and obeys TVM; the two fences around it only need S-mode
// cpu: svinval=on
#include "bare.inc"
#include "paging.inc"
  .option arch, +svinval
  BEGIN
  PAGING
  la a0, page
  li a1, 0x11
  sd a1, 0(a0)
  li a1, 4096
  add a0, a0, a1
  li a1, 0x22
  sd a1, 0(a0)
  MAP 0, 0xc7
  sfence.vma
  .macro REMAP frame, a, b
  MAP 0, 0xc7, \frame
  sfence.w.inval
  li a1, 0x40000000
  sinval.vma \a, \b
  sfence.inval.ir
  ld a0, 0(a1)
  SIG(a0)
  .endm
  ENTER 1, 1f
1:
  li a1, 0x40000000
  ld a0, 0(a1)
  SIG(a0)
  li a2, 0
  REMAP s4, zero, zero
  REMAP s3, a1, zero
  REMAP s4, zero, a2
  REMAP s3, a1, a2
  RETURN_TO_M
  li t0, 1 << 20
  csrs mstatus, t0
  ENTER 1, 1f
1:
  sfence.w.inval
  sinval.vma zero, zero
  sinval.vma a1, a2
  sfence.inval.ir
  sfence.vma
  RETURN_TO_M
  csrw satp, zero
  li t0, 1 << 20
  csrc mstatus, t0
  END
  FRAME
  PAGE_TABLES
