// fclass.d
#include "bare.h"
  BEGIN
  ALL_FX fclass.d fld doubles 8
  END
  FRAME
