// cbo.flush is gated as cbo.clean is
#define SIGNATURE_WORDS 4096
#define WITHOUT_TVAL
#include "bare.inc"
  BEGIN
  la s0, scratch
  .irp menv, 0, 1
  .irp senv, 0, 1
  li t0, \menv << 6
  csrw menvcfg, t0
  li t0, \senv << 6
  csrw senvcfg, t0
  csrr t0, menvcfg
  SIG(t0)
  csrr t0, senvcfg
  SIG(t0)
  cbo.flush (s0)
  ENTER 1, 1f
1:
  cbo.flush (s0)
  RETURN_TO_M
  ENTER 0, 1f
1:
  cbo.flush (s0)
  RETURN_TO_M
  .endr
  .endr
  END
  FRAME
