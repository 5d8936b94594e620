// the management operations keep what memory holds
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  la s0, scratch
  li a0, 0x123456789abcdef0
  sd a0, 8(s0)
  addi a1, s0, 3
  cbo.clean (a1)
  cbo.flush (a1)
  cbo.inval (a1)
  ld a2, 8(s0)
  SIG(a2)
  END
  FRAME
