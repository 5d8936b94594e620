// fence in its forms does nothing that one hart can see
#include "bare.inc"
  BEGIN
  la s0, scratch
  li a0, 5
  sd a0, 0(s0)
  fence
  fence rw, rw
  fence.tso
  fence iorw, iorw
  fence w, r
  ld a1, 0(s0)
  SIG(a1)
  END
  FRAME
