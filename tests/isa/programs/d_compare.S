// feq.d, flt.d, fle.d
#include "bare.inc"
  BEGIN
  ALL_FCMP feq.d fld doubles 8
  ALL_FCMP flt.d fld doubles 8
  ALL_FCMP fle.d fld doubles 8
  END
  FRAME
