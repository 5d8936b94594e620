// sip.STIP is the delegated STIP of mip, which is stimecmp's under menvcfg.STCE (Privileged ISA 20240411, 12.1.3 and
// chapter 15). QEMU 10 reads it as zero in M-mode.
// cpu: sstc=on
// machine: virt
// expect: 20 20 20 9 * 0
#include "../bare.inc"
  BEGIN
  li a0, 1 << 63
  csrs menvcfg, a0
  csrwi mcounteren, 2
  li t1, 0x20
  csrw mideleg, t1
  csrw 0x14d, zero
  csrr a0, mip
  and a0, a0, t1
  SIG(a0)
  csrr a0, sip
  SIG(a0)
  ENTER 1, 1f
1:
  csrr a0, sip
  SIG(a0)
  RETURN_TO_M
  li a0, -1
  csrw 0x14d, a0
  csrw mideleg, zero
  END
  FRAME
