// mulw
#include "bare.inc"
  BEGIN
  ALL_RR mulw
  END
  FRAME
