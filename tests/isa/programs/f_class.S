// fclass.s
#include "bare.inc"
  BEGIN
  ALL_FX fclass.s flw floats 4
  END
  FRAME
