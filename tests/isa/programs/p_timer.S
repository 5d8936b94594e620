// The machine timer: mtime moves, mtimecmp raises MTIP, wfi wakes, also with interrupts off
#include "bare.inc"
  BEGIN
  li s0, 0x2004000
  li s1, 0x200bff8
  ld a0, 0(s1)
  addi a0, a0, 2000
  sd a0, 0(s0)
  csrr a1, mip
  andi a1, a1, 0x80
  SIG(a1)
  li a2, 0x80
  csrw mie, a2
  wfi
1:
  csrr a1, mip
  andi a1, a1, 0x80
  beqz a1, 1b
  SIG(a1)
  ld a3, 0(s1)
  sltu a3, a3, a0
  SIG(a3)
  li a0, 8
  csrs mstatus, a0
  nop
  csrc mstatus, a0
  li a0, -1
  sd a0, 0(s0)
  csrr a1, mip
  andi a1, a1, 0x80
  SIG(a1)
  END
  FRAME
