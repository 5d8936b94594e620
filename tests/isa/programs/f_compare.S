// feq.s is quiet; flt.s and fle.s signal
#include "bare.inc"
  BEGIN
  ALL_FCMP feq.s flw floats 4
  ALL_FCMP flt.s flw floats 4
  ALL_FCMP fle.s flw floats 4
  END
  FRAME
