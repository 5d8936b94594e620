// mul over every pair of operands
#include "bare.inc"
  BEGIN
  ALL_RR mul
  END
  FRAME
