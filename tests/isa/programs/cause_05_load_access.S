// Cause 5, load access fault: no memory, of every size, at the end of RAM, and lr where no RAM is
#include "bare.inc"
  BEGIN
  li a1, 0x10
  lb a0, 0(a1)
  lhu a0, 0(a1)
  lw a0, 0(a1)
  ld a0, 0(a1)
  lr.w a0, (a1)
  li a1, 0x7000000000
  ld a0, 0(a1)
  fld f0, 0(a1)
  c.ld a0, 0(a1)
  ENTER 1, 1f
1:
  li a1, 0x10
  lb a0, 0(a1)
  lhu a0, 0(a1)
  lw a0, 0(a1)
  ld a0, 0(a1)
  lr.w a0, (a1)
  li a1, 0x7000000000
  ld a0, 0(a1)
  fld f0, 0(a1)
  c.ld a0, 0(a1)
  RETURN_TO_M
  ENTER 0, 1f
1:
  li a1, 0x10
  lb a0, 0(a1)
  lhu a0, 0(a1)
  lw a0, 0(a1)
  ld a0, 0(a1)
  lr.w a0, (a1)
  li a1, 0x7000000000
  ld a0, 0(a1)
  fld f0, 0(a1)
  c.ld a0, 0(a1)
  RETURN_TO_M
  END
  FRAME
