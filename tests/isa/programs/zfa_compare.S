// fleq and fltq: only signaling NaNs are invalid
#define SIGNATURE_WORDS 4096
#include "bare.inc"
  BEGIN
  ALL_FCMP fleq.s flw floats 4
  ALL_FCMP fleq.d fld doubles 8
  ALL_FCMP fleq.h flh halves 2
  ALL_FCMP fltq.s flw floats 4
  ALL_FCMP fltq.d fld doubles 8
  ALL_FCMP fltq.h flh halves 2
  END
  FRAME
