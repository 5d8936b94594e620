// prefetches do nothing, wherever they point
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  la a0, scratch
  li a1, 0x40000000
  .irp op, prefetch.i, prefetch.r, prefetch.w
  \op 0(a0)
  \op -2048(a0)
  \op 2016(a1)
  .endr
  SIG(a1)
  END
  FRAME
