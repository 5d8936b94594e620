// sllw, srlw, sraw: the amount is the low five bits
#include "bare.inc"
  BEGIN
  ALL_RR sllw
  ALL_RR srlw
  ALL_RR sraw
  END
  FRAME
