// mulh over every pair of operands
#include "bare.inc"
  BEGIN
  ALL_RR mulh
  END
  FRAME
