// A TOR entry whose upper end is not above its lower end matches nothing, so the one behind it decides (Privileged
// ISA 20240411, 3.7.1.1). In QEMU 10 it matches everything when its upper end is zero.
// expect: 1234 1234
#include "../bare.inc"
  BEGIN
  la s0, scratch
  li a0, 0x1234
  sd a0, 0(s0)
  csrw pmpcfg0, zero
  csrw pmpaddr0, zero
  csrw pmpaddr1, zero
  li a0, -1
  csrw pmpaddr2, a0
  .irp config, 0x1f000c, 0x1f0c00
  li a0, \config
  csrw pmpcfg0, a0
  li t0, 0x800
  csrs mstatus, t0
  li t0, 0x20000
  csrs mstatus, t0
  ld a1, 0(s0)
  csrc mstatus, t0
  SIG(a1)
  .endr
  END
  FRAME
