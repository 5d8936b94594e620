// sfence.w.inval and sfence.inval.ir are illegal instructions in U-mode, like sinval.vma (Privileged ISA 20240411,
// chapter 16). QEMU 10 lets both pass.
// cpu: svinval=on
// expect: 2 * 18000073 2 * 16000073 2 * 18100073 8 * 0
#include "../bare.inc"
  .option arch, +svinval
  BEGIN
  ENTER 0, 1f
1:
  sfence.w.inval
  sinval.vma zero, zero
  sfence.inval.ir
  RETURN_TO_M
  END
  FRAME
