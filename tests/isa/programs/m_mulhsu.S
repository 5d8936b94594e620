// mulhsu over every pair of operands
#include "bare.inc"
  BEGIN
  ALL_RR mulhsu
  END
  FRAME
