// rem, remu: by zero the dividend, on overflow 0
#include "bare.inc"
  BEGIN
  ALL_RR rem
  ALL_RR remu
  END
  FRAME
