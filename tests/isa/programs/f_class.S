// fclass.s
#include "bare.h"
  BEGIN
  ALL_FX fclass.s flw floats 4
  END
  FRAME
