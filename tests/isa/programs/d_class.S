// fclass.d
#include "bare.inc"
  BEGIN
  ALL_FX fclass.d fld doubles 8
  END
  FRAME
