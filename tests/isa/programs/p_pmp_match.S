// PMP: TOR, NA4 and NAPOT ranges from S; permissions; the first match decides and must match the whole access
#include "bare.inc"
  BEGIN
  la s0, scratch
  csrw pmpcfg0, zero
  // 0: nothing up to scratch + 0x100, which is the lower end of 1
  addi a0, s0, 0x100
  srli a0, a0, 2
  csrw pmpaddr0, a0
  // 1: TOR, read only, [0x100, 0x200)
  addi a0, s0, 0x200
  srli a0, a0, 2
  csrw pmpaddr1, a0
  // 2: NA4, write only is reserved; no access at 0x300
  addi a0, s0, 0x300
  srli a0, a0, 2
  csrw pmpaddr2, a0
  // 3: NAPOT of 16 bytes, read and write, at 0x400
  addi a0, s0, 0x400
  srli a0, a0, 2
  ori a0, a0, 1
  csrw pmpaddr3, a0
  // 4: NAPOT of 4 KiB, no write
  srli a0, s0, 2
  ori a0, a0, 0x1ff
  csrw pmpaddr4, a0
  // 5: the rest
  li a0, -1
  csrw pmpaddr5, a0
  li a0, 0x1f1d1b100900
  csrw pmpcfg0, a0
  csrr a0, pmpcfg0
  SIG(a0)
  .macro TOUCH offset
  li a0, -5
  ld a0, \offset(s0)
  SIG(a0)
  sd zero, \offset(s0)
  nop
  .endm
  .macro TOUCH_ALL
  TOUCH 0x0f8
  TOUCH 0x0fc
  TOUCH 0x100
  TOUCH 0x1f8
  TOUCH 0x1fc
  TOUCH 0x200
  TOUCH 0x2fc
  TOUCH 0x300
  TOUCH 0x304
  lw a0, 0x2fc(s0)
  sw a0, 0x304(s0)
  TOUCH 0x3f8
  TOUCH 0x3fc
  TOUCH 0x400
  TOUCH 0x408
  TOUCH 0x40c
  TOUCH 0x410
  lb a0, 0x302(s0)
  amoadd.d a0, zero, (s0)
  lr.d a0, (s0)
  sc.d a0, a0, (s0)
  .endm
  la s0, scratch
  ENTER 1, 1f
1:
  TOUCH_ALL
  RETURN_TO_M
  ENTER 0, 1f
1:
  TOUCH_ALL
  RETURN_TO_M
  TOUCH_ALL
  // MPRV: M-mode's accesses are those of S
  li t0, 0x1800
  csrc mstatus, t0
  li t0, 0x20800
  csrs mstatus, t0
  ld a0, 0x300(s0)
  li t0, 0x20800
  csrs mstatus, t0
  ld a0, 0x400(s0)
  li t0, 0x20000
  csrc mstatus, t0
  END
  FRAME
