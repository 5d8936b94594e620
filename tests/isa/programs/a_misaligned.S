// Misaligned lr traps; see manual/a_misaligned_store.S for sc and amo
#include "bare.inc"
  BEGIN
  la s0, scratch
  addi a1, s0, 4
  addi a2, s0, 2
  lr.d a3, (a1)
  lr.w a3, (a2)
  ld a4, 0(s0)
  SIG(a4)
  END
  FRAME
