// addw, subw: results are sign-extended
#include "bare.inc"
  BEGIN
  ALL_RR addw
  ALL_RR subw
  END
  FRAME
