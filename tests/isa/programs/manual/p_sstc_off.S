// Without menvcfg.STCE, STIP is software's as if there were no stimecmp, and a write of that leaves it alone (Privileged
// ISA 20240411, chapter 15). QEMU 10 clears STIP, or sets it where the time is over.
// cpu: sstc=on
// machine: virt
// expect: 20 20 0
#include "../bare.inc"
  BEGIN
  li a0, 1 << 63
  csrc menvcfg, a0
  li t1, 0x20
  csrs mip, t1
  csrr a0, mip
  and a0, a0, t1
  SIG(a0)
  li a0, -1
  csrw 0x14d, a0
  csrr a0, mip
  and a0, a0, t1
  SIG(a0)
  csrc mip, t1
  csrw 0x14d, zero
  csrr a0, mip
  and a0, a0, t1
  SIG(a0)
  li a0, -1
  csrw 0x14d, a0
  END
  FRAME
