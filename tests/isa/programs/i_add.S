// add, sub
#include "bare.inc"
  BEGIN
  ALL_RR add
  ALL_RR sub
  END
  FRAME
