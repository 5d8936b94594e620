// div, divu: division by zero gives -1, overflow the dividend
#include "bare.inc"
  BEGIN
  ALL_RR div
  ALL_RR divu
  END
  FRAME
