// and, or, xor
#include "bare.inc"
  BEGIN
  ALL_RR and
  ALL_RR or
  ALL_RR xor
  END
  FRAME
