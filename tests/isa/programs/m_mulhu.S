// mulhu over every pair of operands
#include "bare.inc"
  BEGIN
  ALL_RR mulhu
  END
  FRAME
