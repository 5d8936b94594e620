// divw, divuw, remw, remuw
#include "bare.inc"
  BEGIN
  ALL_RR divw
  ALL_RR divuw
  ALL_RR remw
  ALL_RR remuw
  END
  FRAME
