// slt, sltu
#include "bare.inc"
  BEGIN
  ALL_RR slt
  ALL_RR sltu
  END
  FRAME
