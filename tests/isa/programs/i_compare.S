// slt, sltu
#include "bare.h"
  BEGIN
  ALL_RR slt
  ALL_RR sltu
  END
  FRAME
