// PMP: locked entries bind M-mode, keep their values, and lock the lower end of their range
#include "bare.inc"
  BEGIN
  la s0, scratch
  srli a0, s0, 2
  csrw pmpaddr1, a0
  addi a0, s0, 0x40
  srli a0, a0, 2
  csrw pmpaddr2, a0
  li a0, -1
  csrw pmpaddr3, a0
  li s1, 0x1f000000        // 3: everything, not locked
  li a0, 0x1f890000        // 2: locked TOR, read only
  csrw pmpcfg0, a0
  csrr a0, pmpcfg0
  SIG(a0)
  ld a0, 0(s0)
  sd a0, 0(s0)
  sd a0, 0x38(s0)
  sd a0, 0x40(s0)
  sw a0, 0x3c(s0)
  li a1, 0x8082
  la a0, scratch + 0x80
  sh a1, 0(a0)
  jalr a0
  la a1, scratch
  jalr a1
  csrw pmpaddr1, zero
  csrw pmpaddr2, zero
  csrr a0, pmpaddr1
  slli a0, a0, 2
  sub a0, a0, s0
  SIG(a0)
  csrr a0, pmpaddr2
  slli a0, a0, 2
  sub a0, a0, s0
  SIG(a0)
  csrw pmpcfg0, s1
  csrr a0, pmpcfg0
  SIG(a0)
  ENTER 1, 1f
1:
  ld a0, 0(s0)
  sd a0, 0(s0)
  sd a0, 0x40(s0)
  RETURN_TO_M
  END
  FRAME
