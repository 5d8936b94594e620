// sll, srl, sra: the amount is the low six bits
#include "bare.inc"
  BEGIN
  ALL_RR sll
  ALL_RR srl
  ALL_RR sra
  END
  FRAME
